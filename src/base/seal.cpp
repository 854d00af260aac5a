// SPDX-License-Identifier: Apache-2.0
#include "base/seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "base/ascii.h"
#include "base/digest.h"

namespace gpuscale::base {
namespace {

constexpr std::string_view kForm = "v1.";
constexpr std::size_t kNonceBytes = 12;  // as NIST SP 800-38D recommends
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kIdDigits = 8;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

CipherContext new_cipher_context() {
  CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  if (!context) std::abort();
  return context;
}

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* raw(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

int length_of(std::string_view text) {
  return static_cast<int>(text.size());
}

}  // namespace

SealingKey::SealingKey(std::string bytes)
    : bytes_(std::move(bytes)), id_(sha256_hex(bytes_).substr(0, kIdDigits)) {}

Result<SealingKey> SealingKey::parse(const Secret& hex) {
  const std::string& text = hex.reveal();
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const auto high = hex_digit(text[i]);
    const auto low = hex_digit(text[i + 1]);
    if (!high || !low) break;
    bytes += static_cast<char>(*high * 16 + *low);
  }
  if (text.size() != 2 * kBytes || bytes.size() != kBytes) {
    return fail(Errc::kInvalidArgument,
                "the key must be 64 hex digits, as `openssl rand -hex 32` makes them");
  }
  return SealingKey(std::move(bytes));
}

std::string SealingKey::seal(const Secret& plain, std::string_view place) const {
  const std::string& text = plain.reveal();
  std::string out(kNonceBytes + text.size() + kTagBytes, '\0');
  unsigned char* const nonce = raw(out);
  unsigned char* const cipher = nonce + kNonceBytes;
  unsigned char* const tag = cipher + text.size();
  const auto context = new_cipher_context();
  int size = 0;
  int rest = 0;
  // Only a lack of memory or entropy can fail here: nothing that a caller could mend.
  if (RAND_bytes(nonce, kNonceBytes) != 1 ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(bytes_), nonce) != 1 ||
      EVP_EncryptUpdate(context.get(), nullptr, &size, raw(place), length_of(place)) != 1 ||
      EVP_EncryptUpdate(context.get(), cipher, &size, raw(text), length_of(text)) != 1 ||
      EVP_EncryptFinal_ex(context.get(), cipher + size, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag) != 1) {
    std::abort();
  }
  return std::string(kForm) + id_ + "." + base64_encode(out);
}

Result<Secret> SealingKey::open(std::string_view sealed, std::string_view place) const {
  const Error damaged = fail(Errc::kCorrupt, "the sealed text is damaged, or belongs to another place");
  if (!sealed.starts_with(kForm)) return damaged;
  sealed.remove_prefix(kForm.size());
  const std::size_t point = sealed.find('.');
  if (point == std::string_view::npos) return damaged;
  if (sealed.substr(0, point) != id_) {
    return fail(Errc::kForbidden, "it was sealed with the key " + std::string(sealed.substr(0, point)) +
                                      ", and this one is " + id_);
  }
  std::string bytes = base64_decode(sealed.substr(point + 1));
  if (bytes.size() < kNonceBytes + kTagBytes) return damaged;
  const std::size_t length = bytes.size() - kNonceBytes - kTagBytes;
  std::string plain(length, '\0');
  unsigned char* const nonce = raw(bytes);
  const auto context = new_cipher_context();
  int size = 0;
  int rest = 0;
  if (EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(bytes_), nonce) != 1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &size, raw(place), length_of(place)) != 1 ||
      EVP_DecryptUpdate(context.get(), raw(plain), &size, nonce + kNonceBytes, static_cast<int>(length)) !=
          1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, nonce + kNonceBytes + length) !=
          1 ||
      EVP_DecryptFinal_ex(context.get(), raw(plain) + size, &rest) != 1) {
    return damaged;
  }
  return Secret(std::move(plain));
}

}  // namespace gpuscale::base
