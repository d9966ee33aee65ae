// The built binary, run as a user runs it.
#pragma once

#include <string>
#include <vector>

namespace redthread {

struct BinaryRun {
  int exit_code = -1;  // -1: it was killed by a signal
  std::string out;
  std::string err;
};

// Runs redthread with these arguments, its standard streams in pipes, standard input empty. `environment`
// ("NAME=value") is added to a small fixed one.
BinaryRun RunBinary(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment = {});

// Runs any program, found on PATH, with `input` on its standard input.
BinaryRun RunProgram(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                     const std::string& input);

}  // namespace redthread
