#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/azure_access.hpp"
#include "app/doctor_remedies.hpp"
#include "app/doctor_report.hpp"
#include "app/settings.hpp"
#include "app/world.hpp"

namespace latchkey::app {

/// Walks the whole chain that a code takes, with the settings of the part that is to run, and tells
/// for each step what holds or what mends it. Azure and the local cloud are asked the same.
///
/// It leaves nothing behind but, where the identity may send and not delete, one message that is
/// hidden for most of its one minute of life and that no watcher heeds: see check_queue.
class Doctor {
 public:
  /// Which part of the product is to work: they need different rights.
  enum class Part { api, watcher, all };

  struct Patient {
    ServiceSettings settings;
    Place place;
    Part part = Part::all;
    /// Names of identities of the local cloud by object id, for commands that read better.
    std::map<std::string, std::string> names;
  };
  Doctor(Patient patient, World world) : patient_(std::move(patient)), world_(world) {}

  Task<std::vector<Finding>> examine(Trust trust);

 private:
  bool issues() const { return patient_.part != Part::watcher; }
  bool watches() const { return patient_.part != Part::api; }

  Task<> check_identity();
  Task<bool> check_vault();
  Task<> check_secret(std::string name, std::string remedy_when_missing);
  Task<> check_number();
  Task<> check_queues();
  Task<bool> check_queue_is_there();
  Task<> check_sending_and_receiving();
  Task<> check_receiving(Result<wire::QueueMessage> probe);
  std::string allow_on_queue(std::string_view role) const;
  Task<> check_code_table(Trust trust);
  void check_code_file();
  void check_clock();

  void ok(std::string check, std::string detail);
  void failed(std::string check, std::string detail, std::string remedy);
  void skipped(std::string check, std::string_view why);

  Patient patient_;
  World world_;
  /// "may send", and of which queue where there are several.
  std::string on_queue(std::string_view check) const;

  std::unique_ptr<AzureAccess> access_;
  azure::QueueClient* queue_ = nullptr;  ///< the one that is looked at; `place.queue` is its URL
  std::vector<Finding> findings_;
};

}  // namespace latchkey::app
