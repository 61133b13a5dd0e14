/* The process that keeps a pod's namespaces open: it waits, buries the pod's orphans and ends at once when asked to. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void bury(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, 0, WNOHANG) > 0) {
  }
}

/* Without a handler of its own the first process of a namespace ignores TERM, and every pod would end only after its whole grace period. */
static void leave(int signal_number) {
  (void)signal_number;
  _exit(0);
}

int main(void) {
  struct sigaction on_child = {.sa_handler = bury, .sa_flags = SA_NOCLDSTOP};
  struct sigaction on_end = {.sa_handler = leave};
  if (sigaction(SIGCHLD, &on_child, 0) || sigaction(SIGTERM, &on_end, 0) || sigaction(SIGINT, &on_end, 0)) return 1;
  for (;;) pause();
}
