#pragma once

#include <filesystem>
#include <string>

#include "app/environment.hpp"

/// One function for each command of the command line; each gives the exit code: 0 done, 1 failed or
/// refused, 2 wrong call or setting.
namespace latchkey::app {

struct CommonOptions {
  Environment environment;
  std::filesystem::path data;
  bool data_given = false;  ///< --data was said: it wins over settings in the environment
  std::string program;      ///< how the user called us, for the commands we suggest
};

struct UpOptions {
  std::string ports;
  std::string code_lifetime = "600s";
};
int run_up(const CommonOptions& common, const UpOptions& options);
int run_cloud(const CommonOptions& common, const UpOptions& options);

int run_serve(const CommonOptions& common);
int run_watch(const CommonOptions& common);
int run_number(const CommonOptions& common);

struct QueueOptions {
  std::string action;  ///< peek, get, put, clear, stats, create, delete
  std::string queue;
  std::string text;
  int count = 32;
  int visibility_seconds = 30;
  bool json = false;
};
int run_queue(const CommonOptions& common, const QueueOptions& options);

struct CodeOptions {
  std::string action;  ///< new, verify
  std::string code;
  std::string url;
};
int run_code(const CommonOptions& common, const CodeOptions& options);

int run_env(const CommonOptions& common, const std::string& identity);

struct RoleOptions {
  std::string action;  ///< list, assign, remove
  std::string assignee;
  std::string role;
  std::string scope;
  std::string queue;
  bool vault = false;
};
int run_role(const CommonOptions& common, const RoleOptions& options);

/// Reads the command line and runs the command.
int run_command_line(int argc, char** argv);

}  // namespace latchkey::app
