import type { AraPlay, AraResult, AraTask } from './ara-answers.ts';

/** One time that a task ran: in one batch of its play, or for one notification. */
export type AraRound = {
  readonly play: number;
  /** Of those in the same play the how manieth, from 0. */
  readonly again: number;
  readonly results: readonly AraResult[];
};

/**
 * ARA (1.8) has one record of a task for all batches of a play with `serial`, and for all times that a handler is
 * notified, with the start of the first and the end of the last; and all results of it name the first play. But each
 * batch has a play of its own, and batches and plays of a playbook follow one another: the play of a result is the last
 * one that had begun by then. And no host runs a task twice in a round.
 *
 *   play 1 from 0, play 2 from 9; results a at 1, b at 2, c at 10    [1: a b] [2: c]
 *   play 1 from 0; results a at 1, b at 2, a at 10                   [1: a b] [1 again: a]
 */
export function roundsOf(
  task: AraTask,
  { results, plays }: { readonly results: readonly AraResult[]; readonly plays: readonly AraPlay[] },
): readonly AraRound[] {
  const begun = plays.filter((play) => play.playbook === task.playbook).toSorted((a, b) => a.started - b.started);
  const rounds: { play: number; again: number; results: AraResult[] }[] = [];
  const times = new Map<number, number>();
  const hosts = new Set<number>();
  let next = 0;
  for (const result of results.toSorted((a, b) => a.started - b.started || a.id - b.id)) {
    while ((begun[next]?.started ?? Infinity) <= result.started) next++;
    const play = begun[next - 1]?.id ?? task.play;
    const last = rounds.at(-1);
    if (last?.play === play && !hosts.has(result.host)) last.results.push(result);
    else {
      const again = times.get(play) ?? 0;
      times.set(play, again + 1);
      rounds.push({ play, again, results: [result] });
      hosts.clear();
    }
    hosts.add(result.host);
  }
  return rounds.length > 0 ? rounds : [{ play: task.play, again: 0, results: [] }];
}
