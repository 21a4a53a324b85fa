// All of them in one process, with one browser.

import "./page.test.js";
import "./claims.test.js";
import "./states.test.js";
import "./many.test.js";
