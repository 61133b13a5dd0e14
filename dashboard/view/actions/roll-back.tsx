import { useSignal } from '@preact/signals'
import { useCluster } from '../cluster/cluster.ts'
import type { Kind } from '../cluster/kind.ts'
import type { AnyObject } from '../cluster/object.ts'
import { REVISION, type Revision, revisionsOf, rollBack } from './acts.ts'
import { RefusalNote } from './refusal-note.tsx'

/** Earlier revisions of a Deployment to choose from. */
export function RollBack({ kind, deployment }: { readonly kind: Kind; readonly deployment: AnyObject }) {
  const cluster = useCluster()
  const revisions = useSignal<readonly Revision[] | undefined>(undefined)
  const problem = useSignal<unknown>(undefined)
  const guarded = async (work: () => Promise<readonly Revision[] | undefined>) => {
    problem.value = undefined
    try {
      revisions.value = await work()
    } catch (error) {
      problem.value = error
    }
  }
  const back = (revision: Revision) => guarded(() => rollBack(cluster, kind, deployment, revision).then(() => undefined))
  const now = Number(deployment.metadata.annotations?.[REVISION] ?? 0)
  return (
    <>
      <button type="button" onClick={() => void guarded(() => revisionsOf(cluster, deployment))}>
        Roll back
      </button>
      {revisions.value && (
        <ul aria-label="Revisions">
          {revisions.value.map((revision) => (
            <li key={revision.number}>
              {`Revision ${revision.number}: ${revision.images} `}
              {revision.number === now ? (
                'is what it is now'
              ) : (
                <button type="button" onClick={() => void back(revision)}>
                  Back to this
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <RefusalNote error={problem.value} />
    </>
  )
}
