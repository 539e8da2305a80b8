// Copies what stands in a box; without it the box can be selected.
for (const button of document.querySelectorAll("[data-copy]")) {
  const box = document.getElementById(button.dataset.copy);
  const told = button.nextElementSibling;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.textContent);
      told.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(box);
    }
  });
}
