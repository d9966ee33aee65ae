#include "tests/app/binary.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace redthread {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& t : texts) pointers.push_back(const_cast<char*>(t.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::string Contents(std::FILE* file) {
  std::rewind(file);
  std::string text;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, n);
  std::fclose(file);
  return text;
}

}  // namespace

BinaryRun RunProgram(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                     const std::string& input) {
  // Files instead of pipes: nothing can block, whichever stream the program fills.
  std::FILE* in = std::tmpfile();
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  std::fwrite(input.data(), 1, input.size(), in);
  std::rewind(in);
  const pid_t child = fork();
  if (child == 0) {
    dup2(fileno(in), STDIN_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    execvpe(command[0].c_str(), Pointers(command).data(), Pointers(environment).data());
    _exit(127);
  }
  int state = 0;
  EXPECT_EQ(waitpid(child, &state, 0), child);
  std::fclose(in);
  return {WIFEXITED(state) ? WEXITSTATUS(state) : -1, Contents(out), Contents(err)};
}

BinaryRun RunBinary(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::vector<std::string> command = {REDTHREAD_BINARY_DIR "/redthread"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
  variables.insert(variables.end(), environment.begin(), environment.end());
  return RunProgram(command, variables, "");
}

}  // namespace redthread
