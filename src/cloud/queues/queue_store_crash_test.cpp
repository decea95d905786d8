#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "base/testing/await.hpp"
#include "base/testing/lossy_disk.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "base/text.hpp"
#include "cloud/queues/queue_store.hpp"

/// Several clients work on a store at once and tell what they begin and what they were answered;
/// after some number of these the end comes: kill -9 (of a child process) or a loss of power (of
/// SQLite's files). The store that is opened then must hold exactly what was answered; only what
/// had begun and was not answered may have happened or not. Many rounds:
/// LATCHKEY_CRASH_ROUNDS=5000.
namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;
namespace fs = std::filesystem;

constexpr int kClients = 8;
constexpr auto kHeld = 3600s;

enum class Operation : char { put, put_short_lived, get, update, remove, clear };

/// Small enough that a write to the pipe is whole.
struct Record {
  bool answered;
  int client;
  Operation operation;
  int serial;  ///< names the message; 0: none
  int version;
  std::array<char, 40> id;
  std::array<char, 28> receipt;
};

struct Message {
  int version = 0;
  std::uint32_t dequeues = 0;
  std::string id{};
  std::string receipt{};  ///< empty: nobody holds it
};
using Messages = std::map<int, Message>;

struct Client {
  Messages messages{};
  int last_serial = 0;
  std::optional<Record> begun{};  ///< and not answered
};
using Clients = std::array<Client, kClients>;

/// Some are longer than a page of the file.
std::string text_of(int serial, int version) {
  return fmt::format("{}:{}:{}", serial, version,
                     std::string(serial % 16 == 0 ? 9000U : 20U, static_cast<char>('a' + version)));
}
std::pair<int, int> read_text(const std::string& text) {
  const auto parts = split(text, ':');
  const int serial = parse_integer<int>(parts.at(0)).value_or(0);
  const int version = parse_integer<int>(parts.at(1)).value_or(0);
  EXPECT_EQ(text, text_of(serial, version)) << "a text that nobody put";
  return {serial, version};
}

/// What an answer means, in the child that gets it and in the parent that hears of it.
void apply(const Record& record, Client& client) {
  client.begun.reset();
  switch (record.operation) {
    case Operation::put:
      client.messages[record.serial] = Message{};
      break;
    case Operation::put_short_lived:
      break;
    case Operation::get:
    case Operation::update: {
      const auto place = client.messages.find(record.serial);
      if (place == client.messages.end()) break;  // Nothing was there, or it is short-lived.
      Message& message = place->second;
      message.version = record.version;
      if (record.operation == Operation::get) ++message.dequeues;
      if (record.operation == Operation::get) message.id = record.id.data();
      message.receipt = record.receipt.data();
      break;
    }
    case Operation::remove:
      client.messages.erase(record.serial);
      break;
    case Operation::clear:
      client.messages.clear();
      break;
  }
}

template <std::size_t size>
void copy(std::array<char, size>& to, std::string_view from) {
  from.copy(to.data(), size - 1);
}

std::string queue_name(int client) {
  return fmt::format("queue-{}", client);
}

[[noreturn]] void refused(const Error& error) {
  std::fprintf(stderr, "the store refused: %s\n", error.message.c_str());
  ::_exit(1);
}

using Tell = std::function<void(const Record&)>;

class Workers {
 public:
  Workers(QueueStore& store, Clients& clients, Clock& clock, Random& random, Tell tell)
      : store_(store), clients_(clients), clock_(clock), random_(random), tell_(std::move(tell)) {}

  void start(TaskGroup& group) {
    for (int number = 0; number < kClients; ++number) group.spawn("client", work(number));
    group.spawn("collect", collect());
  }

 private:
  Task<> work(int number) {
    auto queue = store_.find_queue("acc", queue_name(number));
    if (!queue) {
      std::string account = "acc";
      std::string name = queue_name(number);
      wire::Metadata none;
      const auto made =
          co_await store_.create_queue(std::move(account), std::move(name), std::move(none));
      if (!made) refused(made.error());
      queue = store_.find_queue("acc", queue_name(number));
    }
    for (;;) {
      Record record = choose(number);
      tell_(record);
      co_await perform(*queue, record);
      record.answered = true;
      apply(record, clients_[static_cast<std::size_t>(number)]);
      tell_(record);
    }
  }
  Task<> collect() {
    for (;;) {
      co_await clock_.sleep_for(1ms);
      (void)co_await store_.collect();
    }
  }

  Record choose(int number) {
    Client& client = clients_[static_cast<std::size_t>(number)];
    Record record{.answered = false,
                  .client = number,
                  .operation = Operation::put,
                  .serial = 0,
                  .version = 0,
                  .id = {},
                  .receipt = {}};
    const auto chance = random_.next_u64() % 100;
    const auto held = std::find_if(client.messages.begin(), client.messages.end(),
                                   [](const auto& each) { return !each.second.receipt.empty(); });
    if (held != client.messages.end() && chance < 40) {
      record.operation = chance < 20 ? Operation::update : Operation::remove;
      record.serial = held->first;
      record.version = held->second.version + (record.operation == Operation::update ? 1 : 0);
      copy(record.id, held->second.id);
      copy(record.receipt, held->second.receipt);
    } else if (chance < 60) {
      record.operation = Operation::get;
    } else if (chance == 60) {
      record.operation = Operation::clear;
    } else {
      record.operation = chance < 66 ? Operation::put_short_lived : Operation::put;
      record.serial = ++client.last_serial;
    }
    return record;
  }

  Task<> perform(QueueNumber queue, Record& record) {
    using enum Operation;
    const auto receipt = store_.parse_receipt(record.receipt.data());
    std::string id = record.id.data();
    std::string text = text_of(record.serial, record.version);
    if (record.operation == put || record.operation == put_short_lived) {
      const QueueStore::PutOptions life{.life = record.operation == put ? 7 * 24h : 60s};
      const auto done = co_await store_.put(queue, std::move(text), life);
      if (!done) refused(done.error());
    } else if (record.operation == get) {
      const auto got = co_await store_.get(queue, 1, kHeld);
      if (!got) refused(got.error());
      if (got->empty()) co_return;
      std::tie(record.serial, record.version) = read_text(got->front().text);
      copy(record.id, got->front().id);
      copy(record.receipt, got->front().pop_receipt);
    } else if (record.operation == update) {
      std::optional<std::string> changed(std::move(text));
      const auto done =
          co_await store_.update(queue, std::move(id), *receipt, kHeld, std::move(changed));
      if (!done) refused(done.error());
      record.receipt = {};
      copy(record.receipt, done->pop_receipt);
    } else if (record.operation == remove) {
      const auto done = co_await store_.remove(queue, std::move(id), *receipt);
      if (!done) refused(done.error());
    } else {
      const auto done = co_await store_.clear(queue);
      if (!done) refused(done.error());
    }
  }

  QueueStore& store_;
  Clients& clients_;
  Clock& clock_;
  Random& random_;
  Tell tell_;
};

class QueueStoreCrashTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<QueueStore> open(Clock& clock, Random& random) {
    auto database = QueueJournal::open_file(folder_ / "queues.db");
    EXPECT_TRUE(database) << database.error().message;
    if (!database) return nullptr;
    auto store = QueueStore::open(std::move(*database), clock, random);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }

  [[noreturn]] void be_the_child(int pipe, std::uint64_t seed) {
    SystemClock clock;
    latchkey::testing::SeededRandom random(seed);
    IoContext context;
    auto store = open(clock, random);
    if (!store) ::_exit(5);
    Workers workers(*store, clients_, clock, random, [pipe](const Record& record) {
      if (::write(pipe, &record, sizeof record) != sizeof record) ::_exit(4);
    });
    TaskGroup group(context.get_executor());
    workers.start(group);
    context.run();
    ::_exit(6);
  }

  void hear(const Record& record) {
    Client& client = clients_[static_cast<std::size_t>(record.client)];
    client.last_serial = std::max(client.last_serial, record.serial);
    if (record.answered) {
      apply(record, client);
    } else {
      client.begun = record;
    }
  }

  /// Lets a child work until it has told `records` things, then kills it.
  void run_and_kill(std::size_t records, std::uint64_t seed) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      be_the_child(pipe[1], seed);
    }
    ::close(pipe[1]);
    Record record{};
    for (std::size_t count = 0;; ++count) {
      if (count == records) ::kill(child, SIGKILL);
      if (::read(pipe[0], &record, sizeof record) != sizeof record) break;
      hear(record);
    }
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child was refused something: " << WEXITSTATUS(status);
  }

  /// Works until so many things have been told; then the files are what a failure leaves of them.
  void run_and_lose_power(std::size_t records, Random& random) {
    const fs::path left = folder_ / "left";
    fs::create_directory(left);
    {
      const latchkey::testing::LossyDisk disk;
      SystemClock clock;
      const auto store = open(clock, random);
      ASSERT_TRUE(store);
      // A model of its own: what it learns after the failure never happened.
      Clients clients = clients_;
      std::size_t told = 0;
      Workers workers(*store, clients, clock, random, [&](const Record& record) {
        if (told < records) hear(record);
        if (++told == records) disk.lose_power(left, random);
      });
      IoContext context;
      TaskGroup group(context.get_executor());
      workers.start(group);
      while (told < records) context.run_one();
      if (records == 0) disk.lose_power(left, random);
      group.cancel();
      context.run();
    }
    for (const char* name : {"queues.db", "queues.db-wal", "queues.db-shm"}) {
      fs::remove(folder_ / name);
    }
    for (const auto& entry : fs::directory_iterator(left)) {
      fs::rename(entry.path(), folder_ / entry.path().filename());
    }
    fs::remove(left);
  }

  Messages found(QueueStore& store, int number) {
    Messages messages;
    const auto queue = store.find_queue("acc", queue_name(number));
    if (!queue) return messages;
    const auto all = await(context_, store.peek(*queue, 1'000'000));
    EXPECT_TRUE(all);
    for (const auto& each : *all) {
      const auto [serial, version] = read_text(each.text);
      messages[serial] = {.version = version,
                          .dequeues = static_cast<std::uint32_t>(each.dequeue_count)};
    }
    return messages;
  }

  /// Makes `client` agree with `messages`, as far as what was begun and not answered explains it.
  static void settle(Client& client, const Messages& messages) {
    if (!client.begun) return;
    const Record begun = *client.begun;
    client.begun.reset();
    const auto now = messages.find(begun.serial);
    const auto before = client.messages.find(begun.serial);
    if (begun.operation == Operation::put && now != messages.end()) {
      client.messages[begun.serial] = Message{};
    } else if (begun.operation == Operation::remove && now == messages.end()) {
      client.messages.erase(begun.serial);
    } else if (begun.operation == Operation::clear && messages.empty()) {
      client.messages.clear();
    } else if (begun.operation == Operation::update && now != messages.end() &&
               now->second.version == begun.version) {
      before->second.version = begun.version;
      before->second.receipt.clear();  // Nobody was told the new one.
    } else if (begun.operation == Operation::get) {
      const auto taken = std::find_if(messages.begin(), messages.end(), [&](const auto& each) {
        const auto known = client.messages.find(each.first);
        return known != client.messages.end() && known->second.receipt.empty() &&
               each.second.dequeues == known->second.dequeues + 1;
      });
      if (taken != messages.end()) ++client.messages[taken->first].dequeues;
    }
  }

  void compare() {
    // When everything held is visible again and everything short-lived has expired.
    latchkey::testing::ManualClock later(SystemClock().now() + 2 * kHeld);
    latchkey::testing::SeededRandom random(1);
    const auto store = open(later, random);
    ASSERT_TRUE(store);
    for (int number = 0; number < kClients; ++number) {
      Client& client = clients_[static_cast<std::size_t>(number)];
      const Messages messages = found(*store, number);
      settle(client, messages);
      const auto show = [](const Messages& all) {
        std::string text;
        for (const auto& [serial, message] : all) {
          text += fmt::format(" {}v{}d{}", serial, message.version, message.dequeues);
        }
        return text;
      };
      ASSERT_EQ(show(messages), show(client.messages)) << queue_name(number);
    }
  }

  IoContext context_;
  Clients clients_;
  const fs::path folder_ =
      fs::path(::testing::TempDir()) / fmt::format("queue-crash-{}", ::getpid());
};

/// Rounds and seed of a test, from the environment or by chance.
struct Course {
  int rounds = 20;
  std::uint64_t seed = SystemRandom().next_u64();
  Course() {
    if (const char* wanted = std::getenv("LATCHKEY_CRASH_ROUNDS")) rounds = std::atoi(wanted);
    if (const char* given = std::getenv("LATCHKEY_SEED")) seed = std::strtoull(given, nullptr, 10);
  }
};

TEST_F(QueueStoreCrashTest, WhatWasAnsweredIsThereAfterEveryKillAndNothingElse) {
  const Course course;
  SCOPED_TRACE(fmt::format("LATCHKEY_SEED={}", course.seed));
  latchkey::testing::SeededRandom random(course.seed);
  for (int round = 0; round < course.rounds; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    // One in eight is killed while it starts.
    const std::size_t records = random.next_u64() % 8 == 0 ? 0 : random.next_u64() % 1000;
    ASSERT_NO_FATAL_FAILURE(run_and_kill(records, random.next_u64()));
    ASSERT_NO_FATAL_FAILURE(compare());
  }
}

TEST_F(QueueStoreCrashTest, WhatWasAnsweredIsThereAfterALossOfPower) {
  const Course course;
  SCOPED_TRACE(fmt::format("LATCHKEY_SEED={}", course.seed));
  latchkey::testing::SeededRandom random(course.seed);
  for (int round = 0; round < course.rounds; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    ASSERT_NO_FATAL_FAILURE(run_and_lose_power(random.next_u64() % 1000, random));
    ASSERT_NO_FATAL_FAILURE(compare());
  }
}

}  // namespace
}  // namespace latchkey::cloud
