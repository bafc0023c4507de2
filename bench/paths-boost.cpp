// Boost's side of bench/paths.ts: the questions over Boost's own searches, as its documentation would have them written.
// What Boost lacks stands here over its Dijkstra: Yen's method with Lawler's rule, and the disjoint pair of Suurballe
// and Tarjan. Searches for one goal stop there. Reads the graph file named, then lines `OPERATION FIRST COUNT` from
// standard input; answers each with `value:microseconds` per question, -1 where there is no path.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/r_c_shortest_paths.hpp>
#include <boost/property_map/function_property_map.hpp>

struct Arc {
  double cost;
  double loss;
  int link;
};

using Sparse = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Arc>;
using SparseArc = boost::graph_traits<Sparse>::edge_descriptor;
using Node = boost::graph_traits<Sparse>::vertex_descriptor;

struct LabelNode {
  int number;
};
struct LabelArc {
  int number;
  double cost;
  double loss;
};
using Labelled =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, LabelNode, LabelArc>;

constexpr double NONE = std::numeric_limits<double>::infinity();

struct Found {};

/** Ends a search as soon as the goal is settled. */
struct StopAt : boost::default_dijkstra_visitor {
  int goal;
  explicit StopAt(int node) : goal(node) {}
  template <class Node, class Graph> void examine_vertex(Node node, const Graph&) const {
    if (static_cast<int>(node) == goal) throw Found();
  }
};

/** What a path has paid and spent: cost, loss, hops. */
struct Spent {
  double cost = 0;
  double loss = 0;
  int hops = 0;
  bool operator==(const Spent& o) const {
    return cost == o.cost && loss == o.loss && hops == o.hops;
  }
  bool operator<(const Spent& o) const {
    if (cost != o.cost) return cost < o.cost;
    if (loss != o.loss) return loss < o.loss;
    return hops < o.hops;
  }
};

/** Labels come in order of cost: the first at the goal is the best, and the rest is not looked at. */
struct StopAtGoal {
  int goal;
  double* found;
  template <class Label, class Graph> void on_label_popped(const Label& label, const Graph&) {
    if (static_cast<int>(label.resident_vertex) == goal)
      *found = label.cumulated_resource_consumption.cost;
  }
  template <class L, class G> void on_label_feasible(const L&, const G&) {}
  template <class L, class G> void on_label_not_feasible(const L&, const G&) {}
  template <class L, class G> void on_label_dominated(const L&, const G&) {}
  template <class L, class G> void on_label_not_dominated(const L&, const G&) {}
  template <class Queue, class Graph> bool on_enter_loop(const Queue&, const Graph&) {
    return *found < 0;
  }
};

class Engine {
 public:
  explicit Engine(const char* file) {
    std::ifstream in(file);
    int links = 0, pairs = 0, changes = 0;
    in >> nodes_ >> links >> pairs >> changes;
    std::vector<std::pair<int, int>> ends;
    std::vector<Arc> arcs;
    labelled_ = Labelled(nodes_);
    for (int node = 0; node < nodes_; ++node) labelled_[node].number = node;
    for (int link = 0; link < links; ++link) {
      int a, b;
      double cost, loss;
      in >> a >> b >> cost >> loss;
      for (int way = 0; way < 2; ++way) {
        ends.emplace_back(way ? b : a, way ? a : b);
        arcs.push_back({cost, loss, link});
        boost::add_edge(ends.back().first, ends.back().second,
                        LabelArc{link * 2 + way, cost, loss}, labelled_);
      }
    }
    sparse_ = Sparse(boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), arcs.begin(),
                     nodes_);
    pairs_.resize(pairs);
    for (auto& p : pairs_) in >> p.from >> p.to >> p.maxLoss >> p.maxHops;
    changes_.resize(changes);
    for (auto& c : changes_) in >> c.first >> c.second;
    distance_.resize(nodes_);
    before_.resize(nodes_);
    color_.resize(nodes_);
    linkClosed_.resize(links);
    nodeClosed_.resize(nodes_);
    arcsOfLink_.resize(links);
    BGL_FORALL_EDGES(arc, sparse_, Sparse) arcsOfLink_[sparse_[arc].link].push_back(arc);
  }

  double run(const std::string& operation, int question) {
    if (operation == "update") return update(question);
    const auto& [from, to, maxLoss, maxHops] = pairs_[question % pairs_.size()];
    if (operation == "one") return one(from, to);
    if (operation == "eight") return inOrder(from, to, 8);
    if (operation == "pair") return disjointPair(from, to);
    return limited(from, to, maxLoss, maxHops);
  }

 private:
  struct Pair {
    int from, to;
    double maxLoss;
    int maxHops;
  };
  struct Candidate {
    double cost;
    std::vector<SparseArc> arcs;
    std::size_t branch;
    bool operator<(const Candidate& o) const {
      if (cost != o.cost) return cost < o.cost;
      return arcs.size() != o.arcs.size() ? arcs.size() < o.arcs.size() : false;
    }
  };

  /** Boost's Dijkstra over given weights; the goal of -1 searches all. */
  template <class Weights> double search(int from, int to, Weights weights) {
    auto index = boost::get(boost::vertex_index, sparse_);
    try {
      boost::dijkstra_shortest_paths(
          sparse_, from,
          boost::predecessor_map(boost::make_iterator_property_map(before_.begin(), index))
              .distance_map(boost::make_iterator_property_map(distance_.begin(), index))
              .color_map(boost::make_iterator_property_map(color_.begin(), index))
              .weight_map(weights)
              .distance_inf(NONE)
              .visitor(StopAt(to)));
    } catch (const Found&) {
    }
    return to < 0 ? 0 : distance_[to];
  }

  /** The arcs of the tree from `from` to `to`: the cheapest between the nodes that the tree names. */
  template <class Weights>
  std::vector<SparseArc> walkBack(int from, int to, Weights weights) {
    std::vector<SparseArc> arcs;
    for (int node = to; node != from; node = before_[node]) {
      SparseArc best;
      double least = NONE;
      BGL_FORALL_OUTEDGES_T(static_cast<Node>(before_[node]), arc, sparse_, Sparse) {
        if (static_cast<int>(target(arc, sparse_)) != node) continue;
        const double cost = get(weights, arc);
        if (cost < least) {
          least = cost;
          best = arc;
        }
      }
      arcs.push_back(best);
    }
    std::reverse(arcs.begin(), arcs.end());
    return arcs;
  }

  double one(int from, int to) {
    const double cost = search(from, to, boost::get(&Arc::cost, sparse_));
    return cost == NONE ? -1 : cost;
  }

  double inOrder(int from, int to, std::size_t count) {
    auto weights = boost::make_function_property_map<SparseArc, double>([this](SparseArc arc) {
      const Arc& known = sparse_[arc];
      return linkClosed_[known.link] || nodeClosed_[target(arc, sparse_)] ? NONE : known.cost;
    });
    std::vector<Candidate> taken;
    std::multiset<Candidate> waiting;
    const double first = search(from, to, weights);
    if (first == NONE) return -1;
    waiting.insert({first, walkBack(from, to, weights), 0});
    double sum = 0;
    while (!waiting.empty()) {
      taken.push_back(*waiting.begin());
      waiting.erase(waiting.begin());
      const Candidate path = taken.back();
      sum += path.cost;
      if (taken.size() >= count) break;
      double rootCost = 0;
      for (std::size_t i = 0; i < path.branch; ++i) rootCost += sparse_[path.arcs[i]].cost;
      for (std::size_t i = path.branch; i < path.arcs.size(); ++i) {
        const int node = source(path.arcs[i], sparse_);
        for (std::size_t n = 0; n < i; ++n) nodeClosed_[source(path.arcs[n], sparse_)] = 1;
        std::vector<int> closed;
        for (const auto& other : taken)
          if (other.arcs.size() > i &&
              std::equal(path.arcs.begin(), path.arcs.begin() + i, other.arcs.begin()))
            closed.push_back(sparse_[other.arcs[i]].link);
        for (int link : closed) linkClosed_[link] = 1;
        // What cannot be among those wanted is not kept; the search itself has no bound in Boost.
        const double rest = search(node, to, weights);
        if (rest != NONE) {
          Candidate next{rootCost + rest, {path.arcs.begin(), path.arcs.begin() + i}, i};
          const auto behind = walkBack(node, to, weights);
          next.arcs.insert(next.arcs.end(), behind.begin(), behind.end());
          waiting.insert(std::move(next));
          if (waiting.size() > count - taken.size()) waiting.erase(std::prev(waiting.end()));
        }
        for (int link : closed) linkClosed_[link] = 0;
        for (std::size_t n = 0; n < i; ++n) nodeClosed_[source(path.arcs[n], sparse_)] = 0;
        rootCost += sparse_[path.arcs[i]].cost;
      }
    }
    return sum;
  }

  /** A whole tree, then one search over what each arc costs more than the tree, the path's arcs turned round. */
  double disjointPair(int from, int to) {
    const auto costs = boost::get(&Arc::cost, sparse_);
    search(from, -1, costs);
    if (distance_[to] == NONE) return -1;
    const std::vector<double> potential = distance_;
    const double first = potential[to];
    // By link: the node it is left from on the first path.
    std::vector<std::pair<int, int>> used;
    for (SparseArc arc : walkBack(from, to, costs))
      used.emplace_back(sparse_[arc].link, source(arc, sparse_));
    if (usedFrom_.empty()) usedFrom_.assign(linkClosed_.size(), -1);
    for (auto [link, node] : used) usedFrom_[link] = node;
    auto weights = boost::make_function_property_map<SparseArc, double>([&](SparseArc arc) {
      const Arc& known = sparse_[arc];
      const int a = source(arc, sparse_);
      const int way = usedFrom_[known.link];
      if (way == a) return NONE;
      if (way >= 0) return 0.0;
      const double reduced = known.cost + potential[a] - potential[target(arc, sparse_)];
      return reduced > 0 ? reduced : 0.0;
    });
    const double second = search(from, to, weights);
    for (auto [link, node] : used) usedFrom_[link] = -1;
    return second == NONE ? -1 : first + first + second;
  }

  double limited(int from, int to, double maxLoss, int maxHops) {
    auto extend = [=](const Labelled& graph, Spent& next, const Spent& spent,
                      boost::graph_traits<Labelled>::edge_descriptor arc) {
      next.cost = spent.cost + graph[arc].cost;
      next.loss = spent.loss + graph[arc].loss;
      next.hops = spent.hops + 1;
      return next.loss <= maxLoss && next.hops <= maxHops;
    };
    auto dominates = [](const Spent& a, const Spent& b) {
      return a.cost <= b.cost && a.loss <= b.loss && a.hops <= b.hops;
    };
    std::vector<boost::graph_traits<Labelled>::edge_descriptor> path;
    Spent best;
    double found = -1;
    boost::r_c_shortest_paths(labelled_, boost::get(&LabelNode::number, labelled_),
                              boost::get(&LabelArc::number, labelled_), from, to, path, best,
                              Spent(), extend, dominates,
                              boost::default_r_c_shortest_paths_allocator(), StopAtGoal{to, &found});
    return found;
  }

  /** Boost has no tree that follows changes: a whole one anew. */
  double update(int change) {
    const auto& [link, cost] = changes_[change % changes_.size()];
    for (SparseArc arc : arcsOfLink_[link]) sparse_[arc].cost = cost;
    search(0, -1, boost::get(&Arc::cost, sparse_));
    return 0;
  }

 public:
  /** In the last whole tree. */
  double distanceToMiddle() const { return distance_[nodes_ / 2]; }

 private:
  int nodes_ = 0;
  Sparse sparse_;
  Labelled labelled_;
  std::vector<Pair> pairs_;
  std::vector<std::pair<int, double>> changes_;
  std::vector<double> distance_;
  std::vector<int> before_;
  std::vector<boost::default_color_type> color_;
  std::vector<char> linkClosed_;
  std::vector<char> nodeClosed_;
  std::vector<int> usedFrom_;
  std::vector<std::vector<SparseArc>> arcsOfLink_;
};

int main(int, char** argv) {
  Engine engine(argv[1]);
  std::string operation;
  int first = 0, count = 0;
  while (std::cin >> operation >> first >> count) {
    for (int i = first; i < first + count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      double value = engine.run(operation, i);
      const auto end = std::chrono::steady_clock::now();
      if (operation == "update") value = engine.distanceToMiddle();
      const double us = std::chrono::duration<double, std::micro>(end - start).count();
      std::printf("%.0f:%.2f ", value, us);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}
