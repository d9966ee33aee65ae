// The built binary, run as a user runs it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace redthread {

struct BinaryRun {
  int exit_code = -1;  // -1: it was killed by a signal
  int signal = 0;      // that one
  std::string out;
  std::string err;
  int64_t max_rss_bytes = 0;  // the most memory it held at once
};

// A program that runs beside the test, its standard streams in files: nothing can block, whichever of them it
// fills. Killed with the object, if it still runs.
class Process {
 public:
  // Starts a program, found on PATH, with `input` on its standard input.
  Process(const std::vector<std::string>& command, const std::vector<std::string>& environment,
          const std::string& input = "");
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return child_; }
  void Signal(int signal);
  // Whether standard error holds that text within a minute, the process running or not.
  bool Says(const std::string& text);
  bool HasEnded() const;
  // Waits for its end. To be called once.
  BinaryRun Wait();

 private:
  std::FILE* out_;
  std::FILE* err_;
  pid_t child_ = -1;
};

// The command line of redthread with these arguments, and the small fixed environment it is run in.
std::vector<std::string> BinaryCommand(const std::vector<std::string>& arguments);
std::vector<std::string> BinaryEnvironment();

// Runs redthread with these arguments, its standard streams no terminals, standard input empty. `environment`
// ("NAME=value") is added to a small fixed one.
BinaryRun RunBinary(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment = {});

// Runs any program, found on PATH, with `input` on its standard input.
BinaryRun RunProgram(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                     const std::string& input);

}  // namespace redthread
