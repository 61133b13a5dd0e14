import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** Rows beyond the edges that are in the page: they are there before a finger's swing reaches them. */
const BEYOND = 12

/** Which of `count` rows are seen in a box that scrolls. */
export function useWindow(
  box: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): { readonly first: number; readonly last: number } {
  const [seen, setSeen] = useState({ top: 0, height: 800 })
  useEffect(() => {
    const element = box.current
    if (!element) return
    const look = () => {
      // Steps of several rows: scrolling by one pixel is no reason to draw.
      const top = Math.floor(element.scrollTop / (rowHeight * 4)) * rowHeight * 4
      setSeen((before) => (before.top === top && before.height === element.clientHeight ? before : { top, height: element.clientHeight }))
    }
    look()
    const resized = new ResizeObserver(look)
    resized.observe(element)
    element.addEventListener('scroll', look, { passive: true })
    return () => {
      resized.disconnect()
      element.removeEventListener('scroll', look)
    }
  }, [box, rowHeight])
  const top = Math.min(seen.top, Math.max(0, count * rowHeight - seen.height))
  const first = Math.max(0, Math.floor(top / rowHeight) - BEYOND)
  return { first, last: Math.min(count, Math.ceil((top + seen.height) / rowHeight) + 4 + BEYOND) }
}
