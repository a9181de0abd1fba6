// Runs on the component that holds the turns: a vote becomes Gradio's own "like" event.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-liked]");
  if (!button) return;
  const votes = button.closest("[data-answer]");
  votes.querySelectorAll("[data-liked]").forEach((each) => {
    each.setAttribute("aria-pressed", String(each === button));
  });
  votes.classList.toggle("asks-why", button.dataset.liked !== "up");
  trigger("like", { index: 0, value: votes.dataset.answer, liked: button.dataset.liked });
});
