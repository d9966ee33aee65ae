#include "tests/support/binary.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace redthread {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& t : texts) pointers.push_back(const_cast<char*>(t.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Read by offset: the child shares the file's position, and writes on.
std::string Contents(std::FILE* file) {
  std::string text;
  char buffer[64 << 10];
  for (ssize_t n; (n = pread(fileno(file), buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  return text;
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                 const std::string& input)
    : out_(std::tmpfile()), err_(std::tmpfile()) {
  std::FILE* in = std::tmpfile();
  std::fwrite(input.data(), 1, input.size(), in);
  std::rewind(in);
  const std::vector<char*> arguments = Pointers(command);
  const std::vector<char*> variables = Pointers(environment);
  child_ = fork();
  if (child_ == 0) {
    dup2(fileno(in), STDIN_FILENO);
    dup2(fileno(out_), STDOUT_FILENO);
    dup2(fileno(err_), STDERR_FILENO);
    execvpe(arguments[0], arguments.data(), variables.data());
    _exit(127);
  }
  std::fclose(in);
}

Process::~Process() {
  if (child_ > 0) {
    Signal(SIGKILL);
    Wait();
  }
  std::fclose(out_);
  std::fclose(err_);
}

void Process::Signal(int signal) {
  ASSERT_GT(child_, 0) << "it has been waited for";
  EXPECT_EQ(kill(child_, signal), 0);
}

bool Process::Says(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (Contents(err_).find(text) == std::string::npos) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

bool Process::HasEnded() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child_;
}

BinaryRun Process::Wait() {
  int state = 0;
  rusage usage{};
  EXPECT_EQ(wait4(child_, &state, 0, &usage), child_);
  child_ = -1;
  return {WIFEXITED(state) ? WEXITSTATUS(state) : -1, WIFSIGNALED(state) ? WTERMSIG(state) : 0,
          Contents(out_), Contents(err_), int64_t{usage.ru_maxrss} * 1024};
}

std::vector<std::string> BinaryCommand(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {REDTHREAD_BINARY_DIR "/redthread"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::vector<std::string> BinaryEnvironment() { return {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}; }

BinaryRun RunProgram(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                     const std::string& input) {
  return Process(command, environment, input).Wait();
}

BinaryRun RunBinary(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::vector<std::string> variables = BinaryEnvironment();
  variables.insert(variables.end(), environment.begin(), environment.end());
  return RunProgram(BinaryCommand(arguments), variables, "");
}

}  // namespace redthread
