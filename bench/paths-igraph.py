"""igraph's side of bench/paths.ts, through its Python package (the searches are C). It has Dijkstra and Yen, no disjoint
pair and no limits. Reads the graph file named, then lines `OPERATION FIRST COUNT`; answers each with
`value:microseconds` per question, -1 where there is no path."""

import sys
from time import perf_counter

import igraph

with open(sys.argv[1], encoding="ascii") as file:
    nodes, links, pairs, _ = map(int, file.readline().split())
    rows = [tuple(map(int, file.readline().split())) for _ in range(links)]
    asked = [tuple(map(int, file.readline().split())) for _ in range(pairs)]
graph = igraph.Graph(n=nodes, edges=[(a, b) for a, b, _, _ in rows])
cost = [row[2] for row in rows]
graph.es["cost"] = cost


def one(start, goal):
    path = graph.get_shortest_paths(start, to=goal, weights="cost", output="epath")[0]
    return sum(cost[link] for link in path) if path else -1


def eight(start, goal):
    paths = graph.get_k_shortest_paths(start, to=goal, k=8, weights="cost", output="epath")
    return sum(cost[link] for path in paths for link in path) if paths else -1


for line in sys.stdin:
    operation, first, count = line.split()
    answer = []
    for number in range(int(first), int(first) + int(count)):
        start, goal = asked[number % pairs][:2]
        begin = perf_counter()
        value = {"one": one, "eight": eight}[operation](start, goal)
        answer.append(f"{value}:{(perf_counter() - begin) * 1e6:.2f}")
    print(" ".join(answer), flush=True)
