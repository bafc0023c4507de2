"""networkx's side of bench/paths.ts: bidirectional Dijkstra, its Yen, and network simplex for the disjoint pair; it has no
limits. Reads the graph file named, then lines `OPERATION FIRST COUNT`; answers each with `value:microseconds` per
question, -1 where there is no path."""

import sys
from itertools import islice
from time import perf_counter

import networkx

with open(sys.argv[1], encoding="ascii") as file:
    nodes, links, pairs, _ = map(int, file.readline().split())
    rows = [tuple(map(int, file.readline().split())) for _ in range(links)]
    asked = [tuple(map(int, file.readline().split())) for _ in range(pairs)]
graph = networkx.Graph()
graph.add_nodes_from(range(nodes))
for a, b, metres, _ in rows:
    # It has one link between two nodes here: the cheapest of parallel ones.
    if not graph.has_edge(a, b) or graph[a][b]["cost"] > metres:
        graph.add_edge(a, b, cost=metres)
both_ways = graph.to_directed()
networkx.set_edge_attributes(both_ways, 1, "room")


def one(start, goal):
    return networkx.bidirectional_dijkstra(graph, start, goal, weight="cost")[0]


def eight(start, goal):
    paths = islice(networkx.shortest_simple_paths(graph, start, goal, weight="cost"), 8)
    return sum(networkx.path_weight(graph, path, "cost") for path in paths)


def pair(start, goal):
    networkx.set_node_attributes(both_ways, 0, "demand")
    both_ways.nodes[start]["demand"] = -2
    both_ways.nodes[goal]["demand"] = 2
    return networkx.min_cost_flow_cost(both_ways, capacity="room", weight="cost")


for line in sys.stdin:
    operation, first, count = line.split()
    answer = []
    for number in range(int(first), int(first) + int(count)):
        start, goal = asked[number % pairs][:2]
        begin = perf_counter()
        try:
            value = {"one": one, "eight": eight, "pair": pair}[operation](start, goal)
        except (networkx.NetworkXNoPath, networkx.NetworkXUnfeasible):
            value = -1
        answer.append(f"{value}:{(perf_counter() - begin) * 1e6:.2f}")
    print(" ".join(answer), flush=True)
