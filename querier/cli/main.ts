import { systemClock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { exitStatus, searchCommand } from './search-command.ts';
import { tuneCommand } from './tune/tune-command.ts';

/** `rubato search …` in this process; gives the exit status. The first Ctrl-C aborts the search, a second one ends the process at once. */
export async function runSearchCommand(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = () => {
    if (interrupt.signal.aborted) process.exit(exitStatus.interrupted);
    interrupt.abort(new AppError('cancelled', 'interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, onSignal);
  // Whoever reads the output may stop early, as `head` does.
  process.stdout.on('error', () => process.exit(exitStatus.failed));
  const status = await searchCommand(args, {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    errorIsTerminal: process.stderr.isTTY === true,
    signal: interrupt.signal,
    clock: systemClock,
    random: Math.random,
    env: process.env,
  });
  // Scans that were aborted notice it between row groups: they are not waited for.
  if (status === exitStatus.interrupted) process.exit(status);
  return status;
}

/** `rubato tune …` in this process; gives the exit status. */
export async function runTuneCommand(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(exitStatus.interrupted));
  return tuneCommand(args, {
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    signal: interrupt.signal,
  });
}
