import { render } from 'preact'
import { realClock } from '../../shared/time/clock.ts'
import { App } from './app.tsx'
import { Cluster, ClusterContext } from './cluster/cluster.ts'
import { Router, RouterContext } from './page/router.ts'
import { Theme, ThemeContext } from './page/theme.ts'
import { Session } from './session/session.ts'

const clock = realClock()
const session = new Session(sessionStorage, clock)
const cluster = new Cluster(session, clock)
const router = new Router()
const theme = new Theme(sessionStorage, document.documentElement)
await session.begin(location)
router.start()
theme.apply()

render(
  <ThemeContext.Provider value={theme}>
    <RouterContext.Provider value={router}>
      <ClusterContext.Provider value={cluster}>
        <App />
      </ClusterContext.Provider>
    </RouterContext.Provider>
  </ThemeContext.Provider>,
  document.getElementById('app')!,
)
