import { useSignal, useSignalEffect } from '@preact/signals'
import { useContext, useEffect } from 'preact/hooks'
import { ApplyPage } from '../actions/apply-page.tsx'
import { useCluster, useTable } from '../cluster/cluster.ts'
import { ObjectPage } from '../objects/object-page.tsx'
import { Overview } from '../overview/overview.tsx'
import { TablePage } from '../tables/table-page.tsx'
import { KeyHelp, useKeys } from './keys.tsx'
import { Navigation } from './navigation.tsx'
import { useRouter } from './router.ts'
import { ThemeContext } from './theme.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** The page around what is shown: where one can go, who one is, whether it is live. */
export function ClusterShell() {
  const cluster = useCluster()
  const isOpen = useSignal(false)
  const helps = useSignal(false)
  useEffect(() => {
    cluster.live.start()
    return () => cluster.live.close()
  }, [cluster])
  // Definitions make kinds: at first, and whenever one of them changes, the server is asked for what it serves.
  const definitions = useTable(DEFINITIONS)
  const { value: change } = definitions.version
  useEffect(() => void cluster.discover(), [cluster, change])
  useKeys(helps)
  const { place } = useRouter()
  // On a small screen the menu covers what was gone to.
  useSignalEffect(() => {
    void place.value
    isOpen.value = false
  })
  const { problem } = cluster
  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="bar">
        <button
          type="button"
          class="menu"
          aria-expanded={isOpen.value}
          aria-controls="navigation"
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          Menu
        </button>
        <a href="/" class="brand">
          Coxswain
        </a>
        <Connection />
        <span class="grow" />
        <Person />
      </header>
      <Navigation isOpen={isOpen} />
      <main id="content" tabIndex={-1}>
        {problem.value !== '' && (
          <p class="problem" role="alert">
            {problem.value}{' '}
            <button type="button" onClick={() => void cluster.discover()}>
              Try again
            </button>
          </p>
        )}
        <Content />
      </main>
      {helps.value && <KeyHelp close={() => (helps.value = false)} />}
    </div>
  )
}

function Content() {
  const { parts } = useRouter().place.value
  const [first, group, resource, namespace, name] = parts
  if (first === undefined) return <Overview />
  if (first === 'apply') return <ApplyPage />
  if (first === 'kinds' && resource !== undefined) return <TablePage key={`${group}/${resource}`} group={group!} resource={resource} />
  if (first === 'objects' && name !== undefined)
    return <ObjectPage key={parts.join('/')} {...{ group: group!, resource: resource!, namespace: namespace!, name }} />
  return <p role="alert">There is nothing at this address.</p>
}

function Connection() {
  const { isConnected } = useCluster().live
  return (
    <span class={isConnected.value ? 'state good' : 'state bad'} role="status">
      {isConnected.value ? 'live' : 'not connected'}
    </span>
  )
}

function Person() {
  const { session, ask } = useCluster()
  const theme = useContext(ThemeContext)
  const name = useSignal('')
  useEffect(() => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
    ask<{ status?: { userInfo?: { username?: string } } }>('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body,
    }).then(
      ({ status }) => (name.value = status?.userInfo?.username ?? ''),
      () => undefined, // who may not ask that is told elsewhere what else they may not
    )
  }, [ask, name])
  return (
    <>
      <span class="person" title="Who the cluster takes you for">
        {name.value}
      </span>
      <button type="button" onClick={() => theme?.next()} aria-label={`Colours: ${theme?.shade.value}`}>
        {theme?.shade.value}
      </button>
      <button type="button" onClick={() => session.signOut()}>
        Sign out
      </button>
    </>
  )
}
