// SPDX-License-Identifier: Apache-2.0
/// Who may call: the admin's password and tokens with scopes, kept in state.db. Tokens are stored as SHA-256
/// (they have 192 random bits), the password as scrypt. Start at Auth::open(), then authenticate().
/// Thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "api/credentials.h"
#include "api/scopes.h"
#include "api/sessions.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "db/database.h"

namespace gpuscale::api {

enum class AuthMode {
  kRequired,
  kOff,  ///< `--no-auth`: everyone is admin; the server allows it on loopback only
};

struct AuthOptions {
  AuthMode mode = AuthMode::kRequired;
  std::optional<Secret>
      admin_password;  ///< GPUSCALE_ADMIN_PASSWORD; absent = the stored one, else one is made
};

struct TokenInfo {
  std::int64_t id = 0;
  std::string name;
  Scopes scopes;
  WallTime created;
};

struct CreatedToken {
  TokenInfo info;
  Secret token;  ///< "gs_" and 48 hex digits; shown this once
};

class Auth {
 public:
  struct Opened {
    std::unique_ptr<Auth> auth;
    std::optional<Secret> generated_password;  ///< of the admin, at the first start; to be printed once
  };

  /// Creates its tables in `database`, which outlives it, as does `clock`. Errors: kInvalidArgument for an
  /// admin password of fewer than 8 characters; the database's.
  static Result<Opened> open(db::Database& database, const Clock& clock, AuthOptions options = {});

  AuthMode mode() const { return mode_; }

  /// The user `admin` with the password, or anyone with a token in the password's place. Where no
  /// authentication is required: `anonymous` with every scope. Errors: kUnauthenticated "unable to parse
  /// authentication credentials" (none) or "authorization failed" (wrong). The first check of a password
  /// takes about 50 ms, one at a time; its outcome is remembered for kRemembered.
  Result<Principal> authenticate(const std::optional<Credentials>& credentials);

  struct OpenedSession {
    Secret id;  ///< for the browser's cookie; authenticate() takes it as it takes a token
    Principal principal;
  };
  /// @param peer, browser: where from, for those who look at the list. Errors: as authenticate().
  Result<OpenedSession> open_session(const Credentials& credentials, const std::string& peer = "",
                                     const std::string& browser = "");
  Sessions& sessions() { return sessions_; }

  /// Errors: kInvalidArgument (name empty or over 64 bytes), kConflict (name taken), kExhausted (1,000
  /// tokens).
  Result<CreatedToken> create_token(const std::string& name, Scopes scopes);
  /// Makes `token` known under `name`, replacing what stood there; for the tokens a server gives its own
  /// agents.
  Result<void> ensure_token(const std::string& name, Scopes scopes, const Secret& token);
  std::vector<TokenInfo> tokens() const;       ///< ascending by id
  Result<void> revoke_token(std::int64_t id);  ///< kNotFound

  static constexpr std::chrono::minutes kRemembered{5};
  static constexpr std::size_t kMaxTokens = 1'000;

 private:
  struct Verdict {
    bool good = false;
    MonoTime until;
  };

  Auth(db::Database& database, const Clock& clock, AuthMode mode)
      : database_(database), clock_(clock), mode_(mode) {}
  Result<std::optional<Secret>> settle_password(const std::optional<Secret>& given);
  Result<void> load_tokens();
  Result<TokenInfo> insert_token(const std::string& name, Scopes scopes, const std::string& digest,
                                 bool replace);
  bool password_fits(const Secret& password);

  db::Database& database_;
  const Clock& clock_;
  AuthMode mode_;
  std::string password_hash_;

  mutable std::shared_mutex tokens_mutex_;
  std::map<std::string, TokenInfo, std::less<>> tokens_;  ///< by SHA-256

  Sessions sessions_;

  std::mutex verdicts_mutex_;
  std::map<std::string, Verdict, std::less<>> verdicts_;  ///< by SHA-256 of the password; bounded
  std::mutex scrypt_mutex_;  ///< one password at a time: guessing must not take every core
};

}  // namespace gpuscale::api
