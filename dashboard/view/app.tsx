import { useCluster } from './cluster/cluster.ts'
import { ClusterShell } from './page/shell.tsx'
import { SignIn } from './session/sign-in.tsx'

/** Everything, for somebody; for nobody the way in. */
export function App() {
  const { session } = useCluster()
  return session.token.value === undefined ? <SignIn /> : <ClusterShell key={session.token.value} />
}
