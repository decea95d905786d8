#pragma once

#include "codes/code_tables.hpp"
#include "codes/redis_connection.hpp"

namespace latchkey::codes {

/// The tables in a Redis that any number of processes share. Opening asks nobody: the connection is
/// made with the first step, and while there is none every step fails with kind unavailable.
///
/// What Redis keeps over a restart or a failover is the server's own setting: docs/redis.md.
CodeTables open_redis_tables(RedisAddress address, RedisLoginSource login, RedisWorld world);

}  // namespace latchkey::codes
