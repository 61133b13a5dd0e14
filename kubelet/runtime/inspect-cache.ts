/**
 * Details of containers that a runtime's list leaves out (times, exit codes, process ids), remembered as long as the list
 * shows the same state: a relist of a quiet node costs one call, not one a container.
 */
export interface InspectCache<Listed, Details> {
  /** Details matching what the list said; undefined when the container is gone meanwhile. */
  of(listed: Listed, signal: AbortSignal): Promise<Details | undefined>
  /** Always asks; undefined when there is no such container. */
  fresh(id: string, signal: AbortSignal): Promise<Details | undefined>
  /**
   * Something happened to the container. To be called before anybody is told: an engine's list may lag behind its events, and would confirm what
   * is remembered here.
   */
  forget(id: string): void
  /** Forgets all containers but these. */
  keep(ids: ReadonlySet<string>): void
}

export interface InspectSource<Listed, Details> {
  /** Asks the runtime. `settled`: the state under which the answer may be remembered. Undefined: there is no such container. */
  ask(id: string, signal: AbortSignal): Promise<{ details: Details; settled: string | undefined } | undefined>
  /** What the list says of a container. */
  listed(entry: Listed): { id: string; state: string }
}

export function inspectCache<Listed, Details>({ ask, listed }: InspectSource<Listed, Details>): InspectCache<Listed, Details> {
  const known = new Map<string, { state: string; details: Details }>()
  /** Counts calls of `forget`: an answer that was asked for before one of them is not remembered. */
  let forgotten = 0

  async function fresh(id: string, signal: AbortSignal): Promise<Details | undefined> {
    const asked = forgotten
    const answer = await ask(id, signal)
    if (!answer) {
      known.delete(id)
      return undefined
    }
    const { details, settled } = answer
    if (asked === forgotten && settled !== undefined) known.set(id, { state: settled, details })
    return details
  }

  return {
    async of(entry, signal) {
      const { id, state } = listed(entry)
      const remembered = known.get(id)
      return remembered?.state === state ? remembered.details : fresh(id, signal)
    },
    fresh,
    forget(id) {
      forgotten++
      known.delete(id)
    },
    keep(ids) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    },
  }
}
