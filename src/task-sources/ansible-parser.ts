import { createAnsibleJsonlParser } from './ansible-jsonl.ts';
import { createAnsibleLogParser } from './ansible-log/ansible-log.ts';
import type { TaskParser } from './task-parser.ts';

/**
 * Parses Ansible's log or the output of `ansible.posix.jsonl`. The first recognised line decides which: later lines
 * cannot change the format, because the output of a task in the log may look like anything.
 *
 * @throws UserError if the time zone is unknown
 */
export function createAnsibleParser({ zone }: { readonly zone: string }): TaskParser {
  const parsers = [createAnsibleLogParser({ zone }), createAnsibleJsonlParser()];
  let chosen: TaskParser | null = null;
  let skipped = 0;
  return {
    line(text) {
      if (chosen !== null) return chosen.line(text);
      for (const parser of parsers) {
        const tasks = parser.line(text);
        if (parser.lines().recognised === 0) continue;
        chosen = parser;
        return tasks;
      }
      skipped++;
      return [];
    },
    end: () => chosen?.end() ?? [],
    notes: () => chosen?.notes() ?? [],
    lines: () => chosen?.lines() ?? { recognised: 0, skipped },
  };
}
