/** Begins the page. */
import { render } from 'preact'
import { App } from './app.tsx'
import { begin } from './model.ts'

const place = document.querySelector('#page')
if (place) render(<App />, place)
begin()
