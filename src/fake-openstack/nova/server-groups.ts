export type ServerGroup = {
  readonly id: string;
  readonly name: string;
  readonly policy: string;
  readonly projectId: string;
  readonly userId: string;
};

export type ServerGroups = Map<string, ServerGroup>;
export const createServerGroups = (): ServerGroups => new Map();
