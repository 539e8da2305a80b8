"""Names a browser's family and its system in words, from what it says of itself."""

#: What is in the text, and what it means: the first that fits. Each says that it is those below it, too.
FAMILIES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
#: Nobody says more of himself.
MOST_READ = 500


def described(user_agent: str) -> str:
    """Say the family, as in "Firefox, Linux"; nothing of what is not known, and no word that was sent."""
    text = user_agent[:MOST_READ]
    found = [next((word for sign, word in known if sign in text), "") for known in (FAMILIES, SYSTEMS)]
    return ", ".join(word for word in found if word)
