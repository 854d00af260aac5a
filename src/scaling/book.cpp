// SPDX-License-Identifier: Apache-2.0
#include "scaling/book.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gpuscale::scaling {
namespace {

/// Whether the book has the very same already: most drafts look at a pool and leave it as it is.
template <class Record>
bool holds(const std::map<std::string, Record>& book, const std::string& name, const Record& record) {
  const auto found = book.find(name);
  return found != book.end() && found->second == record;
}

}  // namespace

PoolRecord* Draft::pool(const std::string& name) {
  if (const auto staged = pools_.find(name); staged != pools_.end()) return &staged->second;
  const auto found = book_.pools_.find(name);
  if (found == book_.pools_.end()) return nullptr;
  return &pools_.emplace(name, found->second).first->second;
}

NodeRecord* Draft::node(const std::string& id) {
  if (const auto staged = nodes_.find(id); staged != nodes_.end()) return &staged->second;
  const auto found = book_.nodes_.find(id);
  if (found == book_.nodes_.end()) return nullptr;
  return &nodes_.emplace(id, found->second).first->second;
}

NodeRecord& Draft::add_node(NodeRecord record) {
  const std::string id = record.node.id.value();
  return nodes_.insert_or_assign(id, std::move(record)).first->second;
}

PoolRecord& Draft::add_pool(PoolRecord record) {
  const std::string name = record.name;
  return pools_.insert_or_assign(name, std::move(record)).first->second;
}

pool::PoolCounts Draft::counts(const std::string& pool) const {
  pool::PoolCounts counts;
  for (const auto& [id, record] : book_.nodes_) {
    if (record.node.pool.value() == pool) counts.add(record.node.state);
  }
  return counts;
}

int Draft::desired(const std::string& pool) const {
  const auto found = book_.pools_.find(pool);
  return found == book_.pools_.end() ? 0 : found->second.desired;
}

std::uint64_t Draft::revision(const std::string& pool) const {
  const auto found = book_.revisions_.find(pool);
  return found == book_.revisions_.end() ? 0 : found->second;
}

const StateStore& Draft::store() const {
  return book_.store_;
}

Result<std::unique_ptr<Book>> Book::open(db::Database& database, activity::Ledger& ledger) {
  GS_TRY(auto store, StateStore::open(database));
  std::unique_ptr<Book> book(new Book(database, ledger, std::move(store)));
  const auto loaded = database.read<bool>([&](db::Transaction& tx) -> Result<bool> {
    GS_TRY(auto pools, book->store_.pools(tx));
    GS_TRY(auto nodes, book->store_.nodes(tx));
    for (auto& pool : pools) book->pools_.emplace(pool.name, std::move(pool));
    for (auto& node : nodes) book->nodes_.emplace(node.node.id.value(), std::move(node));
    return true;
  });
  if (!loaded) return loaded.error();
  return book;
}

std::optional<PoolPage> Book::page(const std::string& pool) const {
  const std::scoped_lock lock(mutex_);
  const auto found = pools_.find(pool);
  if (found == pools_.end()) return std::nullopt;
  PoolPage page{.record = found->second, .revision = 0, .nodes = {}};
  if (const auto revision = revisions_.find(pool); revision != revisions_.end())
    page.revision = revision->second;
  std::vector<const NodeRecord*> ours;
  for (const auto& [id, record] : nodes_) {
    if (record.node.pool.value() == pool) ours.push_back(&record);
  }
  std::sort(ours.begin(), ours.end(), [](const NodeRecord* a, const NodeRecord* b) {
    return std::tie(a->node.created, a->node.id) < std::tie(b->node.created, b->node.id);
  });
  page.nodes.reserve(ours.size());
  for (const NodeRecord* record : ours) page.nodes.push_back(*record);
  return page;
}

std::vector<std::string> Book::pools() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, record] : pools_) out.push_back(name);
  return out;
}

std::optional<std::string> Book::pool_of(const std::string& node) const {
  const std::scoped_lock lock(mutex_);
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? std::nullopt : std::optional(found->second.node.pool.value());
}

Result<void> Book::change(const std::function<Result<void>(Draft&)>& work) {
  std::vector<activity::Entry> entries;
  {
    const std::scoped_lock lock(mutex_);
    GS_TRY(entries, change_locked(work));
  }
  for (const activity::Entry& entry : entries) ledger_.publish(entry);
  return {};
}

Result<std::vector<activity::Entry>> Book::change_locked(const std::function<Result<void>(Draft&)>& work) {
  std::optional<Draft> draft;
  const auto written = database_.transact<bool>([&](db::Transaction& tx) -> Result<bool> {
    draft.emplace(Draft(*this, tx));
    GS_CHECK(work(*draft));
    for (const auto& [name, pool] : draft->pools_) {
      if (!holds(pools_, name, pool)) GS_CHECK(store_.save_pool(tx, pool));
    }
    for (const auto& [id, node] : draft->nodes_) {
      if (holds(nodes_, id, node)) continue;
      GS_CHECK(store_.save_node(tx, node));
      if (node.node.state == pool::NodeState::kGone) GS_CHECK(store_.trim_gone(tx, node.node.pool.value()));
    }
    for (activity::Entry& entry : draft->entries_) GS_CHECK(ledger_.append_in(tx, entry));
    return true;
  });
  if (!written) return written.error();
  for (auto& [name, pool] : draft->pools_) pools_.insert_or_assign(name, std::move(pool));
  for (auto& [id, node] : draft->nodes_) {
    if (node.node.state == pool::NodeState::kGone) {
      nodes_.erase(id);
    } else {
      nodes_.insert_or_assign(id, std::move(node));
    }
  }
  for (const std::string& pool : draft->raised_) ++revisions_[pool];
  return std::move(draft->entries_);
}

Result<std::set<std::string>> Book::gone_among(const std::vector<std::string>& ids) const {
  return database_.read<std::set<std::string>>([&](db::Transaction& tx) -> Result<std::set<std::string>> {
    std::set<std::string> out;
    for (const std::string& id : ids) {
      GS_TRY(const auto state, store_.state_of(tx, id));
      if (state == pool::NodeState::kGone) out.insert(id);
    }
    return out;
  });
}

Result<bool> Book::knows(const std::string& id) const {
  return database_.read<bool>([&](db::Transaction& tx) -> Result<bool> {
    GS_TRY(const auto state, store_.state_of(tx, id));
    return state.has_value();
  });
}

Result<std::map<std::string, SecretHash>> Book::secrets() const {
  return database_.read<std::map<std::string, SecretHash>>(
      [&](db::Transaction& tx) { return store_.secrets(tx); });
}

}  // namespace gpuscale::scaling
