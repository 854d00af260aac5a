// SPDX-License-Identifier: Apache-2.0
/// A main for the fuzz targets where there is no libFuzzer: runs the target that is named with the seeds
/// given as files or folders, then with a fixed number of mutations of them, the same each time. It finds
/// less than a coverage-guided run, but it is part of every test run, under the sanitizers.
///   gpuscale_fuzz_seeds cron_fuzz fuzz/seeds/cron_fuzz
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

// Each target's LLVMFuzzerTestOneInput, under the target's name (fuzz/CMakeLists.txt).
#define GPUSCALE_FUZZ_TARGET(name) extern "C" int name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.inc"
#undef GPUSCALE_FUZZ_TARGET

namespace {

using Target = int (*)(const std::uint8_t* data, std::size_t size);

Target find_target(std::string_view wanted) {
#define GPUSCALE_FUZZ_TARGET(name) \
  if (wanted == #name) return name;
#include "fuzz_targets.inc"
#undef GPUSCALE_FUZZ_TARGET
  return nullptr;
}

constexpr int kMutations = 25'000;
constexpr std::size_t kMostBytes = 64U << 10U;

void run(Target target, const std::string& input) {
  target(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> read_seeds(int argc, char** argv) {
  std::vector<std::string> seeds = {""};
  const auto add = [&seeds](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  };
  for (int i = 2; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      add(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) add(entry.path());
  }
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& seeds) : seeds_(seeds) {}

  std::string next() {
    std::string text = pick();
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(text);
    if (text.size() > kMostBytes) text.resize(kMostBytes);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  const std::string& pick() { return seeds_[below(seeds_.size())]; }
  char any_char() {
    static constexpr std::string_view kTelling =
        "\"'\\,=;:()[]{}<>%&+-.0123456789eE \n\t\r\0/$*!#@~`^|?_aZ\xc3\xff";
    return below(2) == 0 ? kTelling[below(kTelling.size())] : static_cast<char>(below(256));
  }
  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        text.insert(at, 1, any_char());
        break;
      case 1:
        if (at < text.size()) text.erase(at, 1 + below(8));
        break;
      case 2:
        if (at < text.size()) text[at] = any_char();
        break;
      case 3:
        text.resize(at);
        break;
      case 4: {  // a piece of another seed
        const std::string& other = pick();
        const std::size_t from = below(other.size() + 1);
        text.insert(at, other.substr(from, below(64)));
        break;
      }
      default: {  // a piece of itself, over and over
        const std::string piece = text.substr(at, 1 + below(16));
        for (std::size_t times = below(64); times > 0; --times) text.insert(at, piece);
      }
    }
  }

  const std::vector<std::string>& seeds_;
  std::mt19937 random_{20'261'124};
};

}  // namespace

int main(int argc, char** argv) {
  const Target target = argc < 2 ? nullptr : find_target(argv[1]);
  if (target == nullptr) {
    std::fprintf(stderr, "usage: %s TARGET [SEEDS...]; targets are the names in fuzz/CMakeLists.txt\n",
                 argv[0]);
    return 2;
  }
  const auto seeds = read_seeds(argc, argv);
  for (const std::string& seed : seeds) run(target, seed);
  Mutator mutator(seeds);
  for (int i = 0; i < kMutations; ++i) run(target, mutator.next());
  std::printf("%zu seeds and %d mutations\n", seeds.size(), kMutations);
  return 0;
}
