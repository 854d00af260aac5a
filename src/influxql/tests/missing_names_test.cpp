// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "influxql/engine.h"
#include "influxql/testing/memory_store.h"

namespace gpuscale::influxql {
namespace {

class MissingNames : public ::testing::Test {
 protected:
  MissingNames() {
    EXPECT_TRUE(store_.create_database("gpuscale", std::nullopt));
    EXPECT_TRUE(store_.load("gpuscale", "",
                            "gpu,node=gpu-1,pool=blue utilization_gpu=10,jobs=1i 0\n"
                            "gpu,node=gpu-2 utilization_gpu=20 10\n"
                            "inference,node=gpu-1 waiting=3 0\n"));
    context_.database = "gpuscale";
  }
  std::string of(const std::string& text) const { return Engine(store_).missing_names(text, context_); }

  mutable testing::MemoryStore store_;
  QueryContext context_;
};

TEST_F(MissingNames, WhereEveryNameIsKnownNothingIsMissing) {
  EXPECT_EQ(of("SELECT mean(utilization_gpu) FROM gpu WHERE time > 0 AND node = 'gpu-1' "
               "GROUP BY time(10s), pool fill(none)"),
            "");
  EXPECT_EQ(of("SELECT * FROM gpu"), "");
  EXPECT_EQ(of("SELECT mean(/util/) FROM /g/ GROUP BY *"), "");
  EXPECT_EQ(of("SELECT node, jobs FROM gpu"), "");
  EXPECT_EQ(of("SHOW TAG KEYS FROM gpus"), "");
  EXPECT_EQ(of("this is no query"), "");
}

TEST_F(MissingNames, AMeasurementNobodyWroteIsNamedWithWhatWasMeant) {
  EXPECT_EQ(
      of("SELECT mean(x) FROM gpus"),
      "nothing was ever written to measurement \"gpus\" of database \"gpuscale\"; did you mean \"gpu\"?");
  EXPECT_EQ(
      of("SELECT mean(x) FROM vllm"),
      "nothing was ever written to measurement \"vllm\" of database \"gpuscale\"; known: gpu, inference");
  EXPECT_EQ(of("SELECT mean(x) FROM /^v/"), "no measurement of database \"gpuscale\" matches /^v/");
  EXPECT_EQ(of("SELECT mean(x) FROM other.autogen.gpu"), "there is no database \"other\"");
}

TEST_F(MissingNames, AFieldOrTagNobodyWroteIsNamedWhereverItStands) {
  EXPECT_EQ(of("SELECT mean(utilisation_gpu) FROM gpu"),
            "\"gpu\" has no field or tag \"utilisation_gpu\"; did you mean \"utilization_gpu\"?");
  EXPECT_EQ(of("SELECT mean(utilization_gpu) FROM gpu GROUP BY nodes"),
            "\"gpu\" has no field or tag \"nodes\"; did you mean \"node\"?");
  EXPECT_EQ(of("SELECT mean(utilization_gpu) FROM gpu WHERE (zone = 'a')"),
            "\"gpu\" has no field or tag \"zone\"; known: jobs, utilization_gpu, node, pool");
  EXPECT_EQ(of("SELECT temperature FROM gpu"),
            "\"gpu\" has no field or tag \"temperature\"; known: jobs, utilization_gpu, node, pool");
  EXPECT_EQ(of("SELECT count(distinct temperature) FROM gpu"),
            "\"gpu\" has no field or tag \"temperature\"; known: jobs, utilization_gpu, node, pool");
  EXPECT_EQ(of("SELECT max(mean) FROM (SELECT mean(memory) FROM gpu)"),
            "\"gpu\" has no field or tag \"memory\"; known: jobs, utilization_gpu, node, pool");
}

TEST_F(MissingNames, ATagThatNeverHadTheValueIsNamed) {
  EXPECT_EQ(of("SELECT jobs FROM gpu WHERE time > 0 AND node = 'gpu-3'"),
            "no series of \"gpu\" has node = 'gpu-3'; did you mean \"gpu-1\"?");
  EXPECT_EQ(of("SELECT jobs FROM gpu WHERE node = 'gpu-3' OR node = 'gpu-1'"), "")
      << "one of the two is enough";
  EXPECT_EQ(of("SELECT jobs FROM gpu WHERE node = ''"), "");
}

TEST_F(MissingNames, DoubleQuotesAroundATextAreTheUsualSlip) {
  EXPECT_EQ(of("SELECT jobs FROM gpu WHERE node = \"gpu-1\""),
            "\"gpu-1\" in double quotes is a name, not a text; write node = 'gpu-1'");
}

TEST_F(MissingNames, TagsAloneGiveNoRows) {
  EXPECT_EQ(of("SELECT count(node) FROM gpu"),
            "\"node\" is a tag of \"gpu\", and tags alone give no rows; ask for a field such as \"jobs\"");
}

TEST_F(MissingNames, OneWholeSourceOfSeveralIsEnough) {
  EXPECT_EQ(of("SELECT mean(waiting) FROM gpu, inference"), "");
}

}  // namespace
}  // namespace gpuscale::influxql
