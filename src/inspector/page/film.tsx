/** A run of the explorer as a film: the lives of the program, and in each what it committed, asked and met. */
export function FilmPane({ title }: { readonly title: string }) {
  return <main class="film">{title}</main>
}
