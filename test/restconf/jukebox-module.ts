// The example modules of RFC 8040 (appendix A, sections 3.6 and B.3.9) in our own words. Text only.

const JUKEBOX = `module example-jukebox {
  namespace "http://example.com/ns/example-jukebox";
  prefix "jbox";
  organization "Example";
  contact "example@example.com";
  description "A jukebox.";
  revision "2016-08-15" { description "First."; }

  identity genre { description "Any kind of music."; }
  identity alternative { base genre; description "Alternative."; }
  identity blues { base genre; description "Blues."; }
  identity country { base genre; description "Country."; }
  identity jazz { base genre; description "Jazz."; }
  identity pop { base genre; description "Pop."; }
  identity rock { base genre; description "Rock."; }

  container jukebox {
    presence "There is a jukebox.";
    description "Library, playlists and player.";
    container library {
      description "All music.";
      list artist {
        key name;
        description "Who plays.";
        leaf name { type string { length "1 .. max"; } description "Name."; }
        list album {
          key name;
          description "What was published.";
          leaf name { type string { length "1 .. max"; } description "Name."; }
          leaf genre { type identityref { base genre; } description "Kind."; }
          leaf year { type uint16 { range "1900 .. max"; } description "When."; }
          container admin {
            description "For the shop.";
            leaf label { type string; description "Label."; }
            leaf catalogue-number { type string; description "Number."; }
          }
          list song {
            key name;
            description "One piece.";
            leaf name { type string { length "1 .. max"; } description "Name."; }
            leaf location { type string; mandatory true; description "File."; }
            leaf format { type string; description "Media type."; }
            leaf length { type uint32; units "seconds"; description "How long."; }
          }
        }
      }
      leaf artist-count { type uint32; units "artists"; config false; description "How many."; }
      leaf album-count { type uint32; units "albums"; config false; description "How many."; }
      leaf song-count { type uint32; units "songs"; config false; description "How many."; }
    }
    list playlist {
      key name;
      description "Songs in an order.";
      leaf name { type string; description "Name."; }
      leaf description { type string; description "Remark."; }
      list song {
        key index;
        ordered-by user;
        description "One entry.";
        leaf index { type uint32; description "Any number."; }
        leaf id { type instance-identifier; mandatory true; description "Which song."; }
      }
    }
    container player {
      description "The player.";
      leaf gap {
        type decimal64 { fraction-digits 1; range "0.0 .. 2.0"; }
        units "tenths of seconds";
        description "Silence between songs.";
      }
    }
  }

  rpc play {
    description "Plays.";
    input {
      leaf playlist { type string; mandatory true; description "Which playlist."; }
      leaf song-number { type uint32; mandatory true; description "Which song of it."; }
    }
  }
}`

/** RFC 8040 section 3.6: an RPC with input, one with output, an action. */
const OPS = `module example-ops {
  yang-version 1.1;
  namespace "https://example.com/ns/example-ops";
  prefix "ops";
  organization "Example";
  contact "example@example.com";
  description "Operations.";
  revision "2016-07-07" { description "First."; }

  rpc reboot {
    description "Starts anew.";
    input {
      leaf delay { type uint32; units "seconds"; default 0; description "When."; }
      leaf message { type string; description "Why."; }
      leaf language { type string; description "Of the message."; }
    }
  }
  rpc get-reboot-info {
    description "What the last reboot was asked for.";
    output {
      leaf reboot-time { type uint32; description "When."; }
      leaf message { type string; description "Why."; }
      leaf language { type string; description "Of the message."; }
    }
  }
}`

const ACTIONS = `module example-actions {
  yang-version 1.1;
  namespace "https://example.com/ns/example-actions";
  prefix "act";
  import ietf-yang-types { prefix yang; }
  organization "Example";
  contact "example@example.com";
  description "Actions.";
  revision "2016-07-07" { description "First."; }

  container interfaces {
    description "Interfaces.";
    list interface {
      key name;
      description "One.";
      leaf name { type string; description "Name."; }
      leaf-list tag { type string; ordered-by user; description "Words."; }
      leaf-list zone { type uint8; description "Where."; }
      choice media {
        description "One of two.";
        case copper { leaf pairs { type uint8; description "How many."; } }
        case fibre { leaf strands { type uint8; description "How many."; } }
      }
      action reset {
        description "Resets.";
        input { leaf delay { type uint32; default 0; description "When."; } }
        output { leaf reset-finished-at { type yang:date-and-time; mandatory true; description "When."; } }
      }
    }
    list pair {
      key "from to";
      description "Two keys.";
      leaf from { type string; description "Key."; }
      leaf to { type string; description "Key."; }
      leaf cost { type uint8 { range "1..9"; } must ". != 5" { error-message "never five"; error-app-tag must-violation; } description "Number."; }
    }
    list event {
      config false;
      description "No keys.";
      leaf what { type string; description "Text."; }
    }
  }
}`

/** RFC 6243 appendix A, which RFC 8040 appendix B.3.9 asks about. */
const INTERFACES = `module example {
  namespace "http://example.com/ns/interfaces";
  prefix exam;
  organization "Example";
  contact "example@example.com";
  description "Interfaces with defaults.";
  revision 2010-07-05 { description "First."; }

  typedef status-type {
    description "State.";
    type enumeration { enum ok; enum "waking up"; enum "not feeling so good"; enum "better check it out"; enum "better call for help"; }
    default ok;
  }
  container interfaces {
    description "All.";
    list interface {
      key name;
      description "One.";
      leaf name { type string { length "1 .. max"; } description "Name."; }
      leaf mtu { type uint32; default 1500; description "Octets."; }
      leaf status { config false; type status-type; description "State."; }
    }
  }
}`

/** RFC 8040 section 6.4. */
const EVENTS = `module example-mod {
  namespace "http://example.com/event/1.0";
  prefix "ex";
  organization "Example";
  contact "example@example.com";
  description "An event.";
  revision "2016-07-07" { description "First."; }

  notification event {
    description "Something happened.";
    leaf event-class { type string; description "Kind."; }
    container reporting-entity {
      description "Who says so.";
      leaf card { type string; description "Where."; }
    }
    leaf severity { type string; description "How bad."; }
  }
}`

const TYPES = `module ietf-yang-types {
  namespace "urn:ietf:params:xml:ns:yang:ietf-yang-types";
  prefix "yang";
  organization "Example";
  contact "example@example.com";
  description "As much as is needed.";
  revision 2013-07-15 { description "First."; }
  typedef date-and-time { type string; description "A time."; }
}`

export const EXAMPLES = [
  { name: "example-jukebox", text: JUKEBOX },
  { name: "example-ops", text: OPS },
  { name: "example-actions", text: ACTIONS },
  { name: "example", text: INTERFACES },
  { name: "example-mod", text: EVENTS },
  { name: "ietf-yang-types", text: TYPES },
]
