// The modules yanglint needs beside those of the data to read what a server returns for an unfiltered get.

import path from "node:path"

const ietf = path.resolve(import.meta.dirname, "../../yang/ietf")

/** Arguments: where to look, and what to load. */
export const SERVER_MODULES: readonly string[] = [
  "-p",
  ietf,
  ...[
    "ietf-datastores@2018-02-14.yang",
    "ietf-yang-library@2019-01-04.yang",
    "ietf-netconf-monitoring@2010-10-04.yang",
    "nc-notifications@2008-07-14.yang",
    "ietf-netconf-notifications@2012-02-06.yang",
    "ietf-subscribed-notifications@2019-09-09.yang",
    "ietf-yang-push@2019-09-09.yang",
  ].map((file) => path.join(ietf, file)),
]
