#pragma once

#include <string>

#include "base/rsa.hpp"

namespace latchkey::testing {

/// A certificate of `key` for `common_name` in PEM form, signed by itself: good for nothing but for
/// having one.
std::string self_signed(const RsaPrivateKey& key, const std::string& common_name);

}  // namespace latchkey::testing
