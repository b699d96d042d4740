/*
 * table.js - sorting and filtering of the table of `allocsim report`.
 *
 * The first rows are in the page, the others are data and become rows when they are shown, some
 * hundreds at a time: so 10,000 points cost no layout before someone asks for them.
 */
(() => {
	"use strict";
	const STEP = 200;
	const table = document.getElementById("table");
	const body = table.tBodies[0];
	const heads = [...table.tHead.rows[0].cells];
	const names = heads.map(head => head.textContent.replace(/[\s\u2195]+/g, " ").trim());
	const numeric = heads.map(head => head.classList.contains("n"));
	const filter = document.getElementById("filter");
	const shown = document.getElementById("shown");
	const more = document.getElementById("more");

	/* A row: its number, the texts and sort keys of its cells, its elements once there are any. */
	const rows = [];

	for (const element of [...body.rows]) {
		if (element.classList.contains("note")) {
			rows[rows.length - 1].elements.push(element);
			continue;
		}
		const cells = [...element.cells];
		rows.push({
			number: rows.length,
			texts: cells.map(cell => cell.textContent),
			keys: cells.map(cell => cell.dataset.v === undefined ? cell.textContent
				: Number(cell.dataset.v)),
			note: null,
			elements: [element],
		});
	}

	for (const data of JSON.parse(document.getElementById("rows").textContent)) {
		const cells = data.slice(0, heads.length);
		rows.push({
			number: rows.length,
			texts: cells.map(cell => cell === null ? "" : String(Array.isArray(cell) ? cell[1] : cell)),
			keys: cells.map(cell => cell === null ? "" : Array.isArray(cell) ? cell[0] : cell),
			note: data[heads.length] || null,
			elements: null,
		});
	}

	const make = (tag, text, name) => {
		const element = document.createElement(tag);
		if (text !== undefined)
			element.textContent = text;
		if (name)
			element.className = name;
		return element;
	};

	function makeNote(note) {
		const element = make("tr", undefined, "note"), cell = make("td");
		const details = make("details"), inner = make("div");
		cell.colSpan = heads.length;
		if (note[1])
			inner.append(make("pre", note[1]));
		inner.append(make("p", "To run it again:"), make("pre", note[2], "command"));
		details.append(make("summary", note[0]), inner);
		cell.append(details);
		element.append(cell);
		return element;
	}

	function elementsOf(row) {
		if (row.elements)
			return row.elements;
		const element = make("tr", undefined, row.texts[1]);
		row.texts.forEach((text, i) => {
			const last = i === heads.length - 1;
			element.append(make("td", text, last ? "name" : numeric[i] ? "n" : ""));
		});
		row.elements = [element];
		if (row.note)
			row.elements.push(makeNote(row.note));
		return row.elements;
	}

	/* Numbers by value, texts by their characters, nothing last whichever way. */
	let sorted = rows, column = -1, direction = 1;

	function compare(a, b) {
		const x = a.keys[column], y = b.keys[column];
		if (x === "" || y === "")
			return x === y ? a.number - b.number : x === "" ? 1 : -1;
		if (typeof x !== typeof y)
			return typeof x === "number" ? -1 : 1;
		return x < y ? -direction : x > y ? direction : a.number - b.number;
	}

	/* Every word of the filter has to be in the row; column=value is that cell's whole text. */
	function matches(row, words) {
		if (row.search === undefined) {
			const note = row.note ? row.note.slice(0, 2)
				: row.elements && row.elements[1] ? [row.elements[1].textContent] : [];
			row.search = [...row.texts, ...note].join("\n").toLowerCase();
		}
		return words.every(word => {
			const equals = word.indexOf("=");
			const name = word.slice(0, Math.max(equals, 0));
			const i = names.findIndex(n => {
				n = n.toLowerCase().replace(/ .*/, "");
				return n === name || n.endsWith("." + name);
			});
			if (equals > 0 && i >= 0)
				return row.texts[i].toLowerCase() === word.slice(equals + 1);
			return row.search.includes(word);
		});
	}

	let chosen = rows, limit = STEP;

	function show() {
		const part = document.createDocumentFragment();
		for (const row of chosen.slice(0, limit))
			part.append(...elementsOf(row));
		body.replaceChildren(part);
		const count = n => n.toLocaleString("en");
		shown.textContent = chosen.length === rows.length ? `${count(rows.length)} points`
			: `${count(chosen.length)} of ${count(rows.length)} points`;
		more.parentElement.hidden = chosen.length <= limit;
		more.textContent = `Show more: ${count(Math.max(chosen.length - limit, 0))} are hidden`;
	}

	function update() {
		const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
		chosen = words.length ? sorted.filter(row => matches(row, words)) : sorted;
		limit = STEP;
		show();
	}

	heads.forEach((head, i) => {
		const button = make("button");
		button.type = "button";
		button.append(...head.childNodes);
		head.append(button);
		head.classList.add("sortable");
		button.addEventListener("click", () => {
			direction = column === i ? -direction : 1;
			column = i;
			heads.forEach(other => other.removeAttribute("aria-sort"));
			head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
			sorted = [...rows].sort(compare);
			update();
		});
	});

	let timer = 0;
	filter.addEventListener("input", () => {
		clearTimeout(timer);
		timer = setTimeout(update, 80);
	});
	more.addEventListener("click", () => {
		limit += 5 * STEP;
		show();
	});
	filter.closest(".tools").hidden = false;
	show();
})();
