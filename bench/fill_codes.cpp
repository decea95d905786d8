/// Fills a code table with live codes, so that verification can be measured at any size:
///
///   fill_codes TABLE COUNT CODES_FILE < pepper
///
/// Adds COUNT valid rows that live ten minutes, as the service's own statements write them, and
/// writes their codes to CODES_FILE, one on a line. For bench/run.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/sqlite.hpp"
#include "codes/code.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_id.hpp"
#include "codes/sqlite_code_rows.hpp"

namespace latchkey {
namespace {

// The service writes to the same file meanwhile: its requests must not wait long for us.
constexpr std::int64_t kRowsPerTransaction = 500;

class Filler {
 public:
  Filler(sqlite::Database& database, codes::CodeHasher hasher, std::ofstream codes_file)
      : database_(database), hasher_(std::move(hasher)), codes_file_(std::move(codes_file)) {}

  Result<> add(std::int64_t count) {
    while (count > 0) {
      const std::int64_t some = std::min(count, kRowsPerTransaction);
      auto begun = database_.execute("BEGIN IMMEDIATE");
      if (!begun) return begun;
      for (std::int64_t i = 0; i < some; ++i) {
        auto added = add_one();
        if (!added) return added;
      }
      auto committed = database_.execute("COMMIT");
      if (!committed) return committed;
      count -= some;
    }
    codes_file_.flush();
    if (!codes_file_) return fail(ErrorKind::storage, "", "the codes cannot be written");
    return {};
  }

 private:
  Result<> add_one() {
    constexpr std::int64_t kNumberMax = 1000;
    const UtcTime now = clock_.now();
    const Secret code = codes::make_code(next_number_++ % kNumberMax + 1, random_);
    auto hashed = hasher_.hash_new(code.reveal(), now);
    const codes::CodeRow row{.key = hashed.key,
                             .key_id = std::move(hashed.key_id),
                             .id = codes::make_code_id(now, random_),
                             .issued = now,
                             .expires = now + codes::kLifetimeMax,
                             .state = codes::CodeState::valid,
                             .binding = {},
                             .used_at = {},
                             .used_by = {}};
    auto inserted = codes::rows::insert(database_, row, codes::Limits{});
    if (!inserted) return fail(std::move(inserted.error()));
    codes_file_ << code.reveal() << '\n';
    return {};
  }

  sqlite::Database& database_;
  const codes::CodeHasher hasher_;
  std::ofstream codes_file_;
  SystemClock clock_;
  SystemRandom random_;
  std::int64_t next_number_ = 0;
};

Result<> fill(const std::string& table, std::int64_t count, const std::string& codes_file) {
  auto database = sqlite::Database::open(table);
  if (!database) return fail(std::move(database.error()));
  auto prepared = codes::rows::prepare_file(*database, table);
  if (!prepared) return prepared;
  std::string pepper(std::istreambuf_iterator<char>(std::cin), {});
  codes::CodeHasher hasher(Secret(std::move(pepper)), "bench");
  return Filler(*database, std::move(hasher), std::ofstream(codes_file)).add(count);
}

}  // namespace
}  // namespace latchkey

int main(int argument_count, char** arguments) {
  const std::string number = argument_count == 4 ? arguments[2] : "";
  std::int64_t count = 0;
  std::from_chars(number.data(), number.data() + number.size(), count);
  if (count <= 0) {
    fmt::print(stderr, "usage: fill_codes TABLE COUNT CODES_FILE < pepper\n");
    return 2;
  }
  auto filled = latchkey::fill(arguments[1], count, arguments[3]);
  if (filled) return 0;
  fmt::print(stderr, "fill_codes: {}\n", filled.error().message);
  return 1;
}
