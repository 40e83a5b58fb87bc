// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_reading.hpp"

#include "checkpoint_names.hpp"
#include "read_blocks.hpp"

#include "weir/directory_store.hpp"

namespace weir::detail {

using namespace checkpoint_names;

expected<manifest> read_manifest_at(const std::shared_ptr<file_system>& on, int folder,
                                    const std::string& path, std::uint64_t checkpoint,
                                    const std::optional<checkpoint_place>& place) {
  const auto file = in(path, manifest_file_name);
  auto about = read_manifest(on, folder, file, checkpoint);
  if (about && place
      && (file_name_of(about->job) != place->job_folder || about->run_number != place->run_number))
    return error{error_kind::damaged, file,
                 "is of the job " + about->job + ", run " + std::to_string(about->run_number)
                   + ", and does not belong here"};
  return about;
}

expected<void> read_state_file(const std::shared_ptr<file_system>& on, int folder,
                               const std::string& path, const manifest& about,
                               const manifest_file& file, const state_function& show) {
  const auto& stage = about.stages[file.stage];
  const auto file_path = in(path, file.name);
  return read_blocks(
    on, folder, file.name, file_path,
    {block_file_kind::state, about.run, about.checkpoint, stage.name}, file.sums,
    [&](std::uint32_t instance, std::span<const std::byte> bytes) -> expected<void> {
      if (instance >= stage.parallelism)
        return error{error_kind::damaged, file_path,
                     "has a state of instance " + std::to_string(instance)
                       + ", which its stage does not have"};
      show(instance, bytes);
      return {};
    });
}

} // namespace weir::detail
