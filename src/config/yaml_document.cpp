// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_document.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

#include "base/utf8.h"

namespace gpuscale::config {
namespace {

YAML::Mark mark_at(std::string_view text, std::size_t at) {
  YAML::Mark mark;
  const std::string_view before = text.substr(0, at);
  mark.pos = static_cast<int>(at);
  mark.line = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  mark.column = static_cast<int>(at - (before.rfind('\n') + 1));
  return mark;
}

/// Where something stands in a document.
class FirstContent final : public YAML::EventHandler {
 public:
  const std::optional<YAML::Mark>& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark&) override { mark_.reset(); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { note(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override {
    note(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    note(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    note(mark);
  }
  void OnMapEnd() override {}

 private:
  void note(const YAML::Mark& mark) {
    if (!mark_) mark_ = mark;
  }
  std::optional<YAML::Mark> mark_;
};

/// yaml-cpp's LoadAll() never ends on some malformed texts, of which it makes empty documents without end.
void refuse_second_document(const std::string& text) {
  constexpr int kMostEmpty = 100;
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  FirstContent content;
  parser.HandleNextDocument(content);
  for (int n = 0; n < kMostEmpty && parser.HandleNextDocument(content); ++n) {
    if (!content.mark()) continue;
    throw YAML::ParserException(*content.mark(),
                                "a second document begins here; put its entries into the first one");
  }
}

}  // namespace

YAML::Node load_document(std::string_view text) {
  if (const auto broken = base::broken_utf8_at(text))
    throw YAML::ParserException(mark_at(text, *broken), "a byte that is not UTF-8; save the file as UTF-8");
  const std::string owned(text);
  YAML::Node document = YAML::Load(owned);
  refuse_second_document(owned);
  return document;
}

}  // namespace gpuscale::config
