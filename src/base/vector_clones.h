// SPDX-License-Identifier: Apache-2.0
/// Loops over numbers that are compiled twice: for every x86-64, and for processors with AVX2, of which the
/// right one is taken when the program starts. Both compute the same to the last bit.
#pragma once
#include <cstddef>  // which says whether it is glibc, whose loader chooses

// Sanitizers instrument what chooses between the two, which runs before they are ready.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GPUSCALE_VECTOR_CLONES [[gnu::target_clones("avx2", "default")]]
#else
#define GPUSCALE_VECTOR_CLONES
#endif
