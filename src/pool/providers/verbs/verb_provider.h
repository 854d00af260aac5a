// SPDX-License-Identifier: Apache-2.0
/// A provider that asks somebody else by the verbs; who that is, the Ask says.
#pragma once
#include <functional>
#include <string>
#include <utility>

#include "pool/providers/verbs/verbs.h"

namespace gpuscale::pool::verbs {

/// Carries one request and brings the answer's text, bounded in time and size.
using Ask = std::function<Result<std::string>(Verb verb, const std::string& request)>;

class VerbProvider final : public NodeProvider {
 public:
  VerbProvider(std::string type, Context context, Ask ask)
      : type_(std::move(type)), context_(std::move(context)), ask_(std::move(ask)) {}

  std::string type() const override { return type_; }
  Result<void> launch(const NodeId& id) override { return tell(Verb::kLaunch, id); }
  Result<std::vector<Instance>> list() override {
    GS_TRY(const std::string text, ask_(Verb::kList, request_text(Verb::kList, std::nullopt, context_)));
    return instances_of(text);
  }
  Result<void> drain(const NodeId& id) override { return tell(Verb::kDrain, id); }
  Result<void> undrain(const NodeId& id) override { return tell(Verb::kUndrain, id); }
  Result<Workload> workload(const NodeId& id) override {
    GS_TRY(const std::string text, ask_(Verb::kWorkload, request_text(Verb::kWorkload, id, context_)));
    return workload_of(text, id);
  }
  Result<void> terminate(const NodeId& id) override {
    auto done = tell(Verb::kTerminate, id);
    if (!done && done.error().code() == Errc::kNotFound) return {};
    return done;
  }

 private:
  Result<void> tell(Verb verb, const NodeId& id) {
    GS_TRY(const std::string text, ask_(verb, request_text(verb, id, context_)));
    return check_answer(text);
  }

  std::string type_;
  Context context_;
  Ask ask_;
};

}  // namespace gpuscale::pool::verbs
