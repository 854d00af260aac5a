// SPDX-License-Identifier: Apache-2.0
#include "pool/testing/fake_provider.h"

#include <gtest/gtest.h>

#include <memory>

#include "pool/testing/provider_conformance.h"

namespace gpuscale::pool::testing {
namespace {

class FakeHarness {
 public:
  FakeHarness() { reopen(); }
  NodeProvider& provider() { return *provider_; }
  void reopen() { provider_ = std::make_unique<FakeProvider>(cloud_); }
  void await_running(const NodeId& id) { cloud_.finish_boot(id.value()); }
  void await_absent(const NodeId& id) { EXPECT_EQ(count_instances(*provider_, id), 0U); }
  void kill(const NodeId& id) { cloud_.vanish(id.value()); }

 private:
  FakeCloud cloud_;
  std::unique_ptr<NodeProvider> provider_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Fake, ProviderConformance, FakeHarness);

TEST(FakeProvider, ALostReplyHasItsEffectAndAFailureHasNone) {
  FakeCloud cloud;
  FakeProvider provider(cloud);
  cloud.lose_reply(Call::kLaunch, fail(Errc::kTimeout, "no reply"));
  EXPECT_EQ(provider.launch(NodeId("a")).error().code(), Errc::kTimeout);
  cloud.fail_next(Call::kLaunch, fail(Errc::kExhausted, "no stock"));
  EXPECT_EQ(provider.launch(NodeId("b")).error().code(), Errc::kExhausted);
  EXPECT_EQ(cloud.ids(), std::vector<std::string>{"a"});
}

TEST(FakeProvider, RemembersWhoWasEndedWithWorkInFlight) {
  FakeCloud cloud;
  FakeProvider provider(cloud);
  cloud.plant("a");
  cloud.set_in_flight("a", 1);
  ASSERT_TRUE(provider.terminate(NodeId("a")));
  EXPECT_EQ(cloud.ended_busy(), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace gpuscale::pool::testing
