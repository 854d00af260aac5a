// SPDX-License-Identifier: Apache-2.0
#include "cli/server_memory.h"

#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

struct Mimalloc {
  void* (*take)(std::size_t bytes) = nullptr;  ///< null: it is not in use
  void (*give)(void* piece) = nullptr;
  bool (*owns)(const void* piece) = nullptr;
};
/// As global as the operators that it stands behind; written once, before there are threads.
constinit Mimalloc mimalloc;

void* take(std::size_t bytes) {
  return mimalloc.take != nullptr ? mimalloc.take(bytes) : std::malloc(bytes == 0 ? 1 : bytes);
}

void give(void* piece) {
  if (mimalloc.give != nullptr && mimalloc.owns(piece)) {
    mimalloc.give(piece);
  } else {
    std::free(piece);
  }
}

}  // namespace

// All other forms but those for wide alignments, which keep glibc's on both sides, come down to these.
void* operator new(std::size_t bytes) {
  while (true) {
    if (void* piece = take(bytes)) return piece;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}
void operator delete(void* piece) noexcept {
  give(piece);
}
void operator delete(void* piece, std::size_t /*bytes*/) noexcept {
  give(piece);
}

namespace gpuscale::cli {
namespace {

bool load_mimalloc() {
  if (mimalloc.take != nullptr) return true;
  // Milliseconds until free pages go back to the system; what whoever starts us says stands. By default it
  // keeps them for 25, and what a burst of writes needed is never given back before the next (measured at
  // 10,000 GPUs: a peak of 185 MiB, 165 with 5 for 4 % more time, 144 with none for a quarter more).
  constexpr const char* kDelay = "MIMALLOC_DECOMMIT_DELAY";
  const bool said = std::getenv(kDelay) != nullptr;
  if (!said) ::setenv(kDelay, "5", 0);
  // Its malloc stays out of others' sight. It is never unloaded: pieces of it are everywhere from now on.
  void* const library = ::dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!said) ::unsetenv(kDelay);  // not for the processes that we start
  if (library == nullptr) return false;
  Mimalloc found;
  found.take = reinterpret_cast<decltype(found.take)>(::dlsym(library, "mi_malloc"));
  found.give = reinterpret_cast<decltype(found.give)>(::dlsym(library, "mi_free"));
  found.owns = reinterpret_cast<decltype(found.owns)>(::dlsym(library, "mi_is_in_heap_region"));
  if (found.take == nullptr || found.give == nullptr || found.owns == nullptr) return false;
  mimalloc = found;
  return true;
}

}  // namespace
}  // namespace gpuscale::cli

#else

namespace gpuscale::cli {
namespace {

bool load_mimalloc() {
  return false;
}

}  // namespace
}  // namespace gpuscale::cli

#endif

namespace gpuscale::cli {

std::string_view choose_server_memory() {
  // Else each thread that parses writes gets an arena of its own, of which what it once needed stays resident
  // (measured at 10,000 GPUs with glibc alone: a peak of 180 MB instead of 212, and no slower).
  mallopt(M_ARENA_MAX, 2);
  return load_mimalloc() ? "mimalloc" : "glibc";
}

}  // namespace gpuscale::cli
