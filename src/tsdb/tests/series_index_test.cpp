// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace gpuscale::tsdb {
namespace {

std::vector<metrics::TagView> views_of(const metrics::Tags& tags) {
  std::vector<metrics::TagView> views;
  for (const metrics::Tag& tag : tags) views.push_back({tag.key, tag.value});
  return views;
}

std::uint64_t hash_tags(const metrics::Tags& tags) {
  return hash_text(index_text(tags));
}

/// @return 0 where there is none.
SeriesId look_up(const SeriesIndex& index, const metrics::Tags& tags, std::uint64_t hash) {
  const SeriesId* found = index.find(index_text(views_of(tags)), hash);
  return found == nullptr ? 0 : *found;
}

void add(SeriesIndex& index, SeriesId id, const metrics::Tags& tags, std::uint64_t hash) {
  index.add({id, std::make_shared<const metrics::Tags>(tags)}, index_text(tags), hash);
}

TEST(SeriesIndex, TagsThatReadAlikeInOnePieceAreTold) {
  const std::vector<metrics::Tags> kinds = {
      {},
      {{"a", "b"}},
      {{"a", "bc"}},
      {{"ab", "c"}},
      {{"a", "b"}, {"c", "d"}},
      {{"a", "b"}, {"c", "e"}},
      {{"a", std::string("b\0c", 3)}},
      {{"a", std::string("b\0d", 3)}},
      {{"a", "b,c=d"}},
      {{"a", "b\\"}, {"c", "d"}},
      {{"a", "b\\,c=d"}},
      {{"a", "b\\"}},
      {{"a\\", "b"}},
  };
  // One hash for all: then the tags alone tell.
  SeriesIndex index;
  EXPECT_EQ(look_up(index, kinds[1], 7), 0U) << "nothing is in it";
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    EXPECT_EQ(look_up(index, kinds[i], 7), 0U) << i;
    add(index, i + 1, kinds[i], 7);
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(look_up(index, kinds[i], 7), i + 1);
}

TEST(SeriesIndex, FindsWhatAMapFindsWhileSeriesComeAndGo) {
  std::mt19937 random(11);
  SeriesIndex index;
  std::map<metrics::Tags, SeriesId> expected;
  // Few hashes, so that chains are long and cross each other.
  const auto hash_of = [](const metrics::Tags& tags) { return hash_tags(tags) % 64 * 0x100; };
  SeriesId last = 0;
  for (int round = 0; round < 20'000; ++round) {
    const metrics::Tags tags = {{"gpu", std::to_string(random() % 8)},
                                {"node", "gpu-node-" + std::to_string(random() % 40)}};
    const auto known = expected.find(tags);
    ASSERT_EQ(look_up(index, tags, hash_of(tags)), known == expected.end() ? 0 : known->second) << round;
    if (known == expected.end()) {
      add(index, ++last, tags, hash_of(tags));
      expected[tags] = last;
    } else if (random() % 2 == 0) {
      index.remove(known->second, hash_of(tags));
      expected.erase(known);
    }
    ASSERT_EQ(index.size(), expected.size());
  }
  std::set<SeriesId> seen;
  index.each([&](const SeriesInfo& series) {
    seen.insert(series.id);
    EXPECT_EQ(expected[*series.tags], series.id);
  });
  EXPECT_EQ(seen.size(), expected.size());
  index.remove(last + 1, 0);
  EXPECT_EQ(index.size(), expected.size()) << "what is not in it cannot be removed";
}

TEST(SeriesIndex, EveryByteOfATagCountsInItsHash) {
  std::set<std::uint64_t> hashes;
  std::size_t kinds = 0;
  for (std::size_t size = 0; size <= 20; ++size) {
    const std::string plain(size, 'x');
    hashes.insert(hash_tags(metrics::Tags{{"k", plain}}));
    ++kinds;
    // Of three bytes or less the middle one is read: none is left out.
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = plain;
      other[at] = 'y';
      hashes.insert(hash_tags(metrics::Tags{{"k", other}}));
      ++kinds;
    }
  }
  EXPECT_EQ(hashes.size(), kinds);
  EXPECT_EQ(hash_tags(metrics::Tags{{"k", "value"}}),
            hash_text(index_text(std::vector<metrics::TagView>{{"k", "value"}})));
  EXPECT_NE(hash_tags(metrics::Tags{{"a", "bc"}}), hash_tags(metrics::Tags{{"ab", "c"}}));
}

}  // namespace
}  // namespace gpuscale::tsdb
