#include "codes/redis_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <deque>
#include <utility>

#include "base/log.hpp"
#include "codes/redis_words.hpp"
#include "http/stream.hpp"

namespace latchkey::codes {
namespace asio = boost::asio;
namespace {

using std::chrono::milliseconds;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
using Replies = std::vector<RedisReply>;

/// One command and whoever waits for its answer.
struct Call {
  Call(Executor executor, std::string bytes_in)
      : bytes(std::move(bytes_in)), answered(executor, Timer::time_point::max()) {}
  std::string bytes;
  Timer answered;
  std::optional<Result<RedisReply>> answer;

  void end(Result<RedisReply> with) {
    answer = std::move(with);
    answered.cancel();
  }
};
using SharedCall = std::shared_ptr<Call>;

Error unavailable(const char* code, std::string message) {
  return fail(ErrorKind::unavailable, code, std::move(message)).value();
}

}  // namespace

struct RedisConnection::State {
  State(RedisAddress address_in, RedisLoginSource login_in, RedisWorld world_in)
      : address(std::move(address_in)),
        shown("Redis at " + address.peer.shown()),
        login(std::move(login_in)),
        world(std::move(world_in)) {}

  static Task<Result<RedisReply>> command(std::shared_ptr<State> self,
                                          std::vector<std::string> words);
  static Task<Result<RedisReply>> run(std::shared_ptr<State> self, const RedisScript& script,
                                      std::vector<std::string> arguments);
  /// Serves what waits until nothing does.
  static Task<> drive(std::shared_ptr<State> self);
  Task<Result<>> get_ready();
  Task<Result<>> connect();
  Task<Result<>> sign_in();
  Task<Result<>> authenticate(RedisLogin with);
  Task<Result<>> renew_login();
  Task<Result<>> greet();
  Task<> exchange_batch();
  Task<Result<Replies>> exchange(std::string bytes, std::size_t count, milliseconds limit);

  void start_driver(const std::shared_ptr<State>& self);
  void warn_of_losses(std::string_view info);
  void disconnect();
  void answer_flown(Replies replies);
  void fail_flown(const Error& cause);
  void fail_all(const Error& cause);
  Error not_replicated(const RedisReply& reply) const;
  Error error_of(const RedisReply& reply) const { return redis_error(reply, shown); }

  const RedisAddress address;
  const std::string shown;
  const RedisLoginSource login;
  RedisWorld world;

  std::optional<http::ByteStream> stream;
  std::optional<RedisReplyReader> reader;
  RedisLogin used;  ///< what this connection has said
  UtcTime renew_at = UtcTime::max();
  std::deque<SharedCall> waiting;
  std::vector<SharedCall> in_flight;
  bool driving = false;
  bool closed = false;
  bool warned = false;
  int failures = 0;  ///< of connecting, in a row
  SteadyTime not_before{};
  Error last_failure;
};

RedisConnection::RedisConnection(RedisAddress address, RedisLoginSource login, RedisWorld world)
    : state_(std::make_shared<State>(std::move(address), std::move(login), std::move(world))) {}

RedisConnection::~RedisConnection() {
  state_->closed = true;
  if (state_->stream) state_->stream->close();  // What runs on it ends, and drops it.
  state_->fail_all(unavailable("TableClosed", "the connection to Redis was closed"));
}

Task<Result<RedisReply>> RedisConnection::run(const RedisScript& script,
                                              std::vector<std::string> arguments) {
  return State::run(state_, script, std::move(arguments));
}

Task<Result<RedisReply>> RedisConnection::State::run(std::shared_ptr<State> self,
                                                     const RedisScript& script,
                                                     std::vector<std::string> arguments) {
  std::vector<std::string> words{"EVALSHA", script.sha, "1",
                                 std::string(kRedisPrefix) + "expiries"};
  std::move(arguments.begin(), arguments.end(), std::back_inserter(words));
  auto reply = co_await command(self, words);
  if (reply && reply->is_error("NOSCRIPT")) {
    // A server that is new or was emptied of scripts: nothing was done yet.
    words[0] = "EVAL";
    words[1] = script.text;
    reply = co_await command(self, std::move(words));
  }
  if (reply && reply->type == RedisReply::Type::error) co_return fail(self->error_of(*reply));
  co_return reply;
}

Task<Result<RedisReply>> RedisConnection::State::command(std::shared_ptr<State> self,
                                                         std::vector<std::string> words) {
  if (self->waiting.size() >= kWaitingMax) {
    co_return fail(unavailable("TableBusy", self->shown + " does not keep up: " +
                                                std::to_string(kWaitingMax) + " steps wait"));
  }
  const auto call = std::make_shared<Call>(self->world.executor, render_redis_command(words));
  self->waiting.push_back(call);
  self->start_driver(self);
  if (!call->answer) {
    auto [woken] = co_await call->answered.async_wait(use_task_tuple);
    (void)woken;  // It never expires: no answer means that the caller was told to end.
  }
  if (!call->answer) throw boost::system::system_error(asio::error::operation_aborted);
  co_return std::move(*call->answer);
}

void RedisConnection::State::start_driver(const std::shared_ptr<State>& self) {
  if (driving) return;
  driving = true;
  // It owns what it works on and ends soon after close(): nobody has to wait for it.
  asio::co_spawn(world.executor, drive(self), [self](const std::exception_ptr& problem) {
    if (!problem) return;
    self->driving = false;
    self->disconnect();
    self->fail_all(unavailable("TableFailed", self->shown + ": the connection was given up"));
  });
}

Task<> RedisConnection::State::drive(std::shared_ptr<State> self) {
  while (!self->waiting.empty()) {
    auto ready = co_await self->get_ready();
    if (ready) {
      co_await self->exchange_batch();
    } else {
      self->disconnect();
      self->fail_all(ready.error());
    }
  }
  self->driving = false;
}

Task<Result<>> RedisConnection::State::get_ready() {
  if (closed) co_return fail(unavailable("TableClosed", shown + ": the connection was closed"));
  if (stream && !stream->is_quiet()) disconnect();
  if (stream) {
    auto renewed = co_await renew_login();
    co_return renewed;
  }
  if (world.clock.steady_now() < not_before) co_return fail(last_failure);
  auto connected = co_await connect();
  if (connected) {
    if (failures > 0) log::info("table_reconnected", {{"table", shown}});
    failures = 0;
    co_return connected;
  }
  last_failure = connected.error();
  last_failure.kind = ErrorKind::unavailable;
  const auto doubled = kRetryMin * (1 << std::min(failures, 10));
  const auto pause =
      std::min<milliseconds>(doubled, kRetryMax) * (50 + world.random.below(51)) / 100;
  not_before = world.clock.steady_now() + pause;
  ++failures;
  co_return fail(last_failure);
}

Task<Result<>> RedisConnection::State::connect() {
  stream.emplace(world.executor, world.trust, address.peer);
  reader.emplace();
  stream->set_deadline(kConnectMax);
  auto opened = co_await stream->open();
  if (!opened) co_return fail(opened.error());
  auto signed_in = co_await sign_in();
  if (!signed_in) co_return signed_in;
  auto greeted = co_await greet();
  co_return greeted;
}

Task<Result<>> RedisConnection::State::sign_in() {
  // A vault or a token service may take its time, within limits of its own.
  stream->no_deadline();
  auto given = co_await login(false);
  if (!given) co_return fail(given.error());
  auto done = co_await authenticate(std::move(*given));
  if (done || done.error().code != kRedisDenied) co_return done;
  auto fresh = co_await login(true);
  if (!fresh) co_return fail(fresh.error());
  done = co_await authenticate(std::move(*fresh));
  co_return done;
}

Task<Result<>> RedisConnection::State::authenticate(RedisLogin with) {
  renew_at = with.ends ? *with.ends - kRenewBefore : UtcTime::max();
  used = std::move(with);
  if (used.user.empty() && used.password.empty()) co_return Result<>{};
  std::vector<std::string> auth{"AUTH"};
  if (!used.user.empty()) auth.push_back(used.user);
  auth.emplace_back(used.password.reveal());
  auto replies = co_await exchange(render_redis_command(auth), 1, kConnectMax);
  if (!replies) co_return fail(replies.error());
  if (replies->front().type != RedisReply::Type::error) co_return Result<>{};
  Error refusal = error_of(replies->front());
  refusal.code = kRedisDenied;
  co_return fail(std::move(refusal));
}

/// While the old login lasts, nothing depends on the new one.
Task<Result<>> RedisConnection::State::renew_login() {
  if (world.clock.now() < renew_at) co_return Result<>{};
  auto given = co_await login(false);
  const UtcTime now = world.clock.now();
  const bool lasts = used.ends && now < *used.ends;
  renew_at = now + kRenewAgain;
  if (!given && lasts) {
    log::warning("table_login_not_renewed", {{"table", shown}, {"problem", given.error().message}});
    co_return Result<>{};
  }
  if (!given) co_return fail(given.error());
  if (given->password == used.password) co_return Result<>{};
  auto done = co_await authenticate(std::move(*given));
  co_return done;
}

/// Chooses the database, and looks whether this server can be a table at all.
Task<Result<>> RedisConnection::State::greet() {
  std::string bytes = render_redis_command({"INFO"});
  if (address.database != 0) {
    bytes = render_redis_command({"SELECT", std::to_string(address.database)}) + bytes;
  }
  auto replies = co_await exchange(std::move(bytes), address.database != 0 ? 2 : 1, kConnectMax);
  if (!replies) co_return fail(replies.error());
  const RedisReply& info = replies->back();
  if (info.is_error("NOAUTH") || info.is_error("LOADING")) co_return fail(error_of(info));
  if (replies->front().type == RedisReply::Type::error && address.database != 0) {
    co_return fail(error_of(replies->front()));
  }
  if (redis_info_value(info.text, "role") == "slave") {
    co_return fail(unavailable("TableReadOnly", shown + " is a replica: name the primary's address "
                                                        "in CODE_TABLE_URL"));
  }
  if (!warned) warn_of_losses(info.type == RedisReply::Type::error ? "" : info.text);
  warned = true;
  co_return Result<>{};
}

void RedisConnection::State::warn_of_losses(std::string_view info) {
  for (const auto& warning : redis_durability_warnings(info, address.replicas)) {
    log::warning("table_may_lose", {{"table", shown}, {"problem", warning}});
  }
}

Task<> RedisConnection::State::exchange_batch() {
  const std::size_t count = std::min(waiting.size(), kBatchMax);
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
  in_flight.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(end));
  waiting.erase(waiting.begin(), end);
  std::string bytes;
  for (const auto& call : in_flight) bytes += call->bytes;
  // One WAIT for all that was written with it: as with a group commit, nobody is answered before.
  const std::size_t waits = address.replicas > 0 ? 1 : 0;
  if (waits > 0) {
    bytes += render_redis_command(
        {"WAIT", std::to_string(address.replicas), std::to_string(kReplicasMax.count())});
  }
  auto replies = co_await exchange(std::move(bytes), count + waits, kAnswerMax);
  if (!replies) {
    disconnect();
    fail_flown(replies.error());
  } else if (waits > 0 && replies->back().integer < address.replicas) {
    fail_flown(not_replicated(replies->back()));
  } else {
    answer_flown(std::move(*replies));
  }
}

void RedisConnection::State::answer_flown(Replies replies) {
  bool read_only = false;
  const auto flown = std::exchange(in_flight, {});
  for (std::size_t i = 0; i < flown.size(); ++i) {
    read_only = read_only || replies[i].is_error("READONLY") || replies[i].is_error("MASTERDOWN");
    flown[i]->end(std::move(replies[i]));
  }
  // The primary has become a replica: its name may lead to the new one now.
  if (read_only) disconnect();
}

Error RedisConnection::State::not_replicated(const RedisReply& reply) const {
  if (reply.type == RedisReply::Type::error) return error_of(reply);
  return unavailable("TableNotReplicated",
                     fmt::format("{}: {} replicas have the change, and not {} as CODE_TABLE_URL "
                                 "asks for; whether it stays is unknown",
                                 shown, reply.integer, address.replicas));
}

Task<Result<Replies>> RedisConnection::State::exchange(std::string bytes, std::size_t count,
                                                       milliseconds limit) {
  stream->set_deadline(limit);
  auto written = co_await stream->write(std::move(bytes));
  if (!written) co_return fail(written.error());
  Replies replies;
  while (replies.size() < count) {
    auto reply = reader->next();
    if (!reply) co_return fail(reply.error());
    if (*reply) {
      replies.push_back(std::move(**reply));
      continue;
    }
    auto received = co_await stream->read();
    if (!received) co_return fail(received.error());
    auto fed = reader->feed(*received);
    if (!fed) co_return fail(fed.error());
  }
  stream->no_deadline();
  co_return replies;
}

void RedisConnection::State::disconnect() {
  if (stream) stream->close();
  stream.reset();
  reader.reset();
}

void RedisConnection::State::fail_flown(const Error& cause) {
  Error error = cause;
  error.kind = ErrorKind::unavailable;
  if (!error.message.starts_with("code table: ")) error.message = "code table: " + error.message;
  for (const auto& call : std::exchange(in_flight, {})) call->end(fail(error));
}

void RedisConnection::State::fail_all(const Error& cause) {
  in_flight.insert(in_flight.end(), waiting.begin(), waiting.end());
  waiting.clear();
  fail_flown(cause);
}

}  // namespace latchkey::codes
