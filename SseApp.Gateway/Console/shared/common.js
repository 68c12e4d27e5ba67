export const $ = id => document.getElementById(id);

export function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

export function pill(target, text, mood = "") {
  if (target.textContent !== text) target.textContent = text;
  target.className = `pill ${mood}`;
}
