// SPDX-License-Identifier: Apache-2.0
#include "alert/text_template.h"

#include <gmock/gmock.h>

namespace gpuscale::alert {
namespace {

std::string render(const std::string& text, const nlohmann::json& values) {
  const auto parsed = TextTemplate::parse(text, {"rule", "value", "labels"});
  return parsed ? parsed->render(values) : parsed.error().message();
}

TEST(TextTemplate, FillsPlacesByTheirPaths) {
  const nlohmann::json values = {{"rule", "a \"b\""}, {"value", 61.5}, {"labels", {{"node", "gpu-1"}}}};
  EXPECT_EQ(render("no places", values), "no places");
  EXPECT_EQ(render("{{rule}} of {{ labels.node }} at {{value}}%", values), "a \"b\" of gpu-1 at 61.5%");
  EXPECT_EQ(render("{{ value }}", {{"value", 91.0}}), "91");
  EXPECT_EQ(render("{{ labels.none }}{{ value.deep }}", values), "") << "what is missing is empty";
  EXPECT_EQ(render("{\"rule\": {{ rule | json }}, \"all\": {{ labels | json }}}", values),
            R"({"rule": "a \"b\"", "all": {"node":"gpu-1"}})");
  EXPECT_EQ(render("{{ labels.node | upper }}", values), "GPU-1");
}

TEST(TextTemplate, AFaultIsNamedByItsPlace) {
  EXPECT_EQ(render("a\n  {{ rule", {}), "line 2, column 3: \"{{\" without \"}}\"");
  EXPECT_EQ(render("{{ node }}", {}), "line 1, column 1: no value \"node\"; known: rule, value, labels");
  EXPECT_EQ(render("{{ }}", {}), "line 1, column 1: an empty place; write {{ name }}");
  EXPECT_THAT(render("{{ rule | loop }}", {}), ::testing::HasSubstr("no filter \"loop\""));
  EXPECT_THAT(render("{{ labels..node }}", {}), ::testing::HasSubstr("is no name"));
  EXPECT_THAT(render(std::string(TextTemplate::kMaxText + 1, 'x'), {}), ::testing::HasSubstr("is longer"));
}

TEST(TextTemplate, IsCutRatherThanEndless) {
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "{{ rule }}";
  EXPECT_EQ(render(many, {{"rule", std::string(10'000, 'x')}}).size(), TextTemplate::kMaxRendered);
}

}  // namespace
}  // namespace gpuscale::alert
