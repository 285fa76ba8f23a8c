/** How many servers a project may have. */
export type Quota = {
  of(projectId: string): number;
  set(projectId: string, instances: number): void;
  /** The same for every project. */
  setAll(instances: number): void;
};

export function createQuota(instances: number): Quota {
  let usual = instances;
  const own = new Map<string, number>();
  return {
    of: (projectId) => own.get(projectId) ?? usual,
    set: (projectId, limit) => own.set(projectId, limit),
    setAll(limit) {
      usual = limit;
      own.clear();
    },
  };
}
