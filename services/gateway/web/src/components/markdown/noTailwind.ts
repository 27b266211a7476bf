/** In place of `tailwind-merge`, which streamdown asks which of two Tailwind classes wins: here neither has a style. */
export function twMerge(names: string): string {
  return names;
}
