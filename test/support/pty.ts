import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A Python program that runs a command on a terminal with as many columns as its first argument says, copies the
 * output, and forwards SIGTERM.
 */
const RUN_ON_PTY = `
import fcntl, os, pty, signal, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 40, int(sys.argv[1]), 0, 0))
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

/** Runs a command on its own terminal; standard output and error are combined. */
export const spawnOnPty = (
  command: readonly string[],
  {
    columns = 160,
    ...options
  }: { readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly columns?: number },
): ChildProcess =>
  spawn('python3', ['-c', RUN_ON_PTY, String(columns), ...command], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
