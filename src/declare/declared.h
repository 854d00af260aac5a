// SPDX-License-Identifier: Apache-2.0
/// A declared thing as people see it, what may be asked of it, and what came of that.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/secret.h"
#include "base/time.h"
#include "config/definitions.h"

namespace gpuscale::declare {

/// What a file declares is read-only here.
enum class Origin { kFile, kApi };
/// "file", "api".
std::string_view to_string(Origin origin);

struct Declared {
  config::Kind kind = config::Kind::kRules;
  std::string name;
  Origin origin = Origin::kFile;
  std::int64_t version = 0;   ///< grows with each change; 0 of the file's
  nlohmann::json definition;  ///< as in the file; secrets read {"secret": "set"}
  std::string changed_by;
  std::optional<WallTime> changed_at;
  std::string fault;      ///< why it does not run, or not as declared; "" = it does
  bool left_out = false;  ///< it does not run at all
};

/// What a list says of where an entry comes from; cheap beside Declared, which holds the definition.
struct Standing {
  Origin origin = Origin::kFile;
  std::int64_t version = 0;
  std::string fault;
};

/// A definition to be made (version 0) or changed (version = the one that was read).
struct Wish {
  config::Kind kind = config::Kind::kRules;
  std::string name;
  nlohmann::json definition;
  std::int64_t version = 0;
  std::string who;
  bool dry_run = false;  ///< checks everything and changes nothing
};

enum class Verdict {
  kCreated,
  kChanged,
  kDeleted,
  kChecked,   ///< a dry run that would have gone well
  kConflict,  ///< of another version; `entry` is the present one
  kDeclared,  ///< by the file
  kInUse,     ///< something else would break; `reason` names it
};

struct Outcome {
  Verdict verdict = Verdict::kChecked;
  Declared entry;
  std::string reason;
  std::optional<Secret> secret;  ///< of a trigger that has a new one; to be shown this once
};

}  // namespace gpuscale::declare
