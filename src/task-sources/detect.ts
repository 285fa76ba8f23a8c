import { createAnsibleJsonlParser } from './ansible-jsonl/ansible-jsonl.ts';
import { createAnsibleLogParser } from './ansible-log/ansible-log.ts';
import type { TaskParser } from './task-parser.ts';

/**
 * Takes Ansible's log and the output of `ansible.posix.jsonl`: the first line that one of them knows says which it is.
 * A task's own output is in the log as well, and may look like anything.
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
