#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "service/sign_in/delivery.hpp"

namespace latchkey::service::sign_in {

/// The phone of local demonstrations: the newest message of each person, as a file for the owner of
/// this process alone. `latchkey outbox NAME` shows it.
class OutboxDelivery final : public Delivery {
 public:
  explicit OutboxDelivery(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Errors: storage; invalid_argument for a name that is too long for a file.
  Task<Result<>> deliver(Message message) override;

 private:
  const std::filesystem::path folder_;
};

/// Nullopt when nothing has come. Error: storage.
Result<std::optional<Message>> read_outbox(const std::filesystem::path& folder,
                                           std::string_view subject);

}  // namespace latchkey::service::sign_in
