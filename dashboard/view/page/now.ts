import { useEffect, useState } from 'preact/hooks'
import { useCluster } from '../cluster/cluster.ts'

const STEP_MILLISECONDS = 10_000

/** The time, for ages: it goes on every ten seconds. */
export function useNow(): number {
  const { clock } = useCluster()
  const [now, setNow] = useState(() => clock.now())
  useEffect(() => {
    const timer = clock.every(STEP_MILLISECONDS, () => setNow(clock.now()))
    return () => timer.cancel()
  }, [clock])
  return now
}
